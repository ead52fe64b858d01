/* What this launcher is and can do here. */
#ifndef SOUK_HELLO_H
#define SOUK_HELLO_H

#include "frame.h"
#include "launcher.h"

/* Answers a REQUEST_HELLO: REPORT, DONE. */
void hello_serve(struct connection *connection, const struct launcher *launcher);

#endif
