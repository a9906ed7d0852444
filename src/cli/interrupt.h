/* SPDX-License-Identifier: MIT */
/* Ctrl-C during what should end in order. */
#ifndef LT_CLI_INTERRUPT_H
#define LT_CLI_INTERRUPT_H

#include <lintel/types.h>

/* From now on SIGINT, SIGTERM and SIGHUP make *returned true; a second one of a kind ends the
 * process. */
const atomic_bool *lt_interrupt_catch(void);

bool lt_interrupted(void);

#endif
