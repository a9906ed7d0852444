// SPDX-License-Identifier: MIT
#include "volume.h"

/* Codes that programs and file systems have agreed on between them (device type 0x8000 and above,
 * METHOD_BUFFERED: the driver passes no others on). Lintel has agreed on none. */
int32_t fsp_device_control(struct call *c)
{
    (void)c;
    return LT_STATUS_INVALID_DEVICE_REQUEST;
}
