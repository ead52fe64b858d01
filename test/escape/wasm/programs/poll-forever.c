/* Waits for a clock that never comes round. */
#include <wasi/api.h>

int main(void) {
  __wasi_subscription_t subscription = {.userdata = 1, .u = {.tag = __WASI_EVENTTYPE_CLOCK}};
  subscription.u.u.clock = (__wasi_subscription_clock_t){.id = __WASI_CLOCKID_MONOTONIC, .timeout = ~0ULL};
  __wasi_event_t event;
  __wasi_size_t count;
  return __wasi_poll_oneoff(&subscription, &event, 1, &count);
}
