// SPDX-License-Identifier: MIT
/* Build-time tool: `lintel-manual TEMPLATE` prints the finished scdoc text of a man page. */
#include "cli.h"

int main(int argc, char **argv)
{
    FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!template) {
        fputs("usage: lintel-manual TEMPLATE\n", stderr);
        return LT_EXIT_USAGE;
    }
    int error = lt_print_manual(stdout, template);
    fclose(template);
    if (error == LT_OK && fflush(stdout) == 0)
        return LT_EXIT_OK;
    fprintf(stderr, "lintel-manual: %s has a line that is not understood\n", argv[1]);
    return LT_EXIT_FAILED;
}
