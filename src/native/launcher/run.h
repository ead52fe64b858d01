/* A REQUEST_RUN from its control group to DONE. */
#ifndef SOUK_RUN_H
#define SOUK_RUN_H

#include "frame.h"
#include "launcher.h"
#include "request.h"

/*
 * Serves the run until its last frame is sent, or the client or the launcher is gone; everything of the run is dead and removed then. False when a
 * control group could not be removed.
 */
bool run_serve(struct connection *connection, const struct launcher *launcher, const struct peer *peer, const struct request *request);

#endif
