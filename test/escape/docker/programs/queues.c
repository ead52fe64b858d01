/* Takes all POSIX message queues that it can have, by the call and by the file system of queues, and leaves them full. */
#include "../../programs/attack.h"
#include <fcntl.h>
#include <mqueue.h>

enum { TRIED = 2000 };

int main(void) {
  only_in_a_sandbox();
  int made = 0;
  for (int i = 0; i < TRIED; i++) {
    char name[32];
    snprintf(name, sizeof name, "/souk-%d", i);
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0666, NULL);
    if (queue == (mqd_t)-1) break;
    char message[1024] = "x";
    for (int j = 0; j < 8; j++) mq_send(queue, message, sizeof message, 0);
    close(queue);
    made++;
  }
  printf("%s\n", made > 0 && made < TRIED ? "some" : "WITHOUT BOUND");
  return 0;
}
