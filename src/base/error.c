// SPDX-License-Identifier: MIT
#include <lintel/error.h>

const char *lt_error_name(int error)
{
    switch (error) {
#define NAME(name, number, text) \
    case LT_##name:              \
        return #name;
        LT_ERRORS(NAME)
#undef NAME
    default:
        return "E?";
    }
}

const char *lt_error_text(int error)
{
    switch (error) {
#define TEXT(name, number, text) \
    case LT_##name:              \
        return text;
        LT_ERRORS(TEXT)
#undef TEXT
    case LT_OK:
        return "success";
    default:
        return "unknown error";
    }
}
