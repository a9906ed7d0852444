// SPDX-License-Identifier: MIT
/* Any bytes as SDDL text, and as a security descriptor: what was made of one becomes it again. */
#include "../fuzz.h"

#include <core/descriptor.h>
#include <lintel/sddl.h>
#include <string.h>

/* descriptor -> text -> descriptor -> text: both texts are the same. */
static void round_trip(struct lt_str sd)
{
    char *text, *again, *text2;
    size_t len;
    if (lt_sddl_format(sd, &text) < 0)
        return;
    /* A descriptor that says nothing has no text that says it. */
    if (text[0]) {
        FUZZ_CHECK(lt_sddl_parse(text, &again, &len, NULL) == 0);
        FUZZ_CHECK(lt_security_check(lt_strn(again, len)) == 0);
        FUZZ_CHECK(lt_sddl_format(lt_strn(again, len), &text2) == 0);
        FUZZ_CHECK(strcmp(text, text2) == 0);
        free(text2);
        free(again);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *sd;
    size_t len;
    struct lt_diag diag;
    FUZZ_CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    if (lt_sddl_parse(text, &sd, &len, &diag) == 0) {
        FUZZ_CHECK(lt_security_check(lt_strn(sd, len)) == 0);
        round_trip(lt_strn(sd, len));
        free(sd);
    }
    if (lt_security_check(lt_strn(text, size)) == 0)
        round_trip(lt_strn(text, size));
    free(text);
    return 0;
}
