/* SPDX-License-Identifier: MIT */
/* The words of SDDL (MS-DTYP 2.5.1.1), for reading and writing alike. */
#ifndef LT_CORE_SDDL_WORDS_H
#define LT_CORE_SDDL_WORDS_H

#include "descriptor.h"

struct sddl_word {
    char text[4];
    uint32_t value;
};

/* Each ends with an empty text. */
extern const struct sddl_word sddl_types[];        /* of entries: SD_ACE_... */
extern const struct sddl_word sddl_flags[];        /* of entries: inheritance and audit */
extern const struct sddl_word sddl_rights[];       /* single bits first, then sets of them */
extern const struct sddl_word sddl_label_rights[]; /* of SD_ACE_LABEL */

/* Well-known SIDs: an authority and up to 7 sub-authorities. */
struct sddl_sid {
    char text[4];
    uint8_t authority, count;
    uint32_t subs[7];
};
extern const struct sddl_sid sddl_sids[];

/* The bytes of a well-known SID into buf, SD_SID_SIZE_MAX at most; returns their number. */
size_t sddl_sid_put(const struct sddl_sid *sid, void *buf);

/* GUID, MS-DTYP 2.3.4. */
struct sddl_guid {
    struct lt_le32 data1;
    struct lt_le16 data2, data3;
    uint8_t data4[8];
};
_Static_assert(sizeof(struct sddl_guid) == 16, "MS-DTYP 2.3.4");

#endif
