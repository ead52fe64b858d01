/* Process 2 of a sandbox: from fork to exec. */
#ifndef SOUK_TASK_H
#define SOUK_TASK_H

#include "init.h"

/*
 * On the setup socket (SEQPACKET; closed by exec):
 *     task → keeper  TASK_EXECUTES  with its pid (SCM_CREDENTIALS): everything is in place, execve(2) comes next; and with the
 *                                    filter's listener (notify.h), where there is one
 *     task → keeper  a struct failure
 *     end of file    after TASK_EXECUTES without a failure: the task's own program runs. Before it: the task was killed.
 */
enum { TASK_EXECUTES = 'x' };

/* `fds` came with the command. */
_Noreturn void task_main(const struct sandbox_plan *plan, const struct init_command *command, const int *fds);

#endif
