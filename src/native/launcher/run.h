/* A REQUEST_RUN from its control group to DONE. */
#ifndef SOUK_RUN_H
#define SOUK_RUN_H

#include "frame.h"
#include "launcher.h"
#include "sandbox.h"
#include "slot.h"

/*
 * Serves the run in this slot, which is used up, until its last frame is sent, or the client or the launcher is gone; everything of the run is dead and
 * removed then. A slot that is empty is prepared first. False when a control group could not be removed.
 */
bool run_serve(struct connection *connection, const struct launcher *launcher, const struct sandbox_request *request, struct slot *slot);

#endif
