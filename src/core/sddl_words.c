// SPDX-License-Identifier: MIT
#include "sddl_words.h"

/* clang-format off */
const struct sddl_word sddl_types[] = {
    {"A", SD_ACE_ALLOW}, {"D", SD_ACE_DENY}, {"AU", SD_ACE_AUDIT}, {"AL", SD_ACE_ALARM},
    {"OA", SD_ACE_ALLOW_OBJECT}, {"OD", SD_ACE_DENY_OBJECT}, {"OU", SD_ACE_AUDIT_OBJECT},
    {"OL", SD_ACE_ALARM_OBJECT}, {"ML", SD_ACE_LABEL}, {"", 0},
};

const struct sddl_word sddl_flags[] = {
    {"OI", 0x01}, {"CI", 0x02}, {"NP", 0x04}, {"IO", 0x08}, {"ID", 0x10}, {"SA", 0x40},
    {"FA", 0x80}, {"", 0},
};

const struct sddl_word sddl_rights[] = {
    {"GA", 0x10000000}, {"GX", 0x20000000}, {"GW", 0x40000000}, {"GR", 0x80000000},
    {"CC", 0x1}, {"DC", 0x2}, {"LC", 0x4}, {"SW", 0x8}, {"RP", 0x10}, {"WP", 0x20},
    {"DT", 0x40}, {"LO", 0x80}, {"CR", 0x100},
    {"SD", 0x10000}, {"RC", 0x20000}, {"WD", 0x40000}, {"WO", 0x80000},
    {"FA", 0x1f01ff}, {"FR", 0x120089}, {"FW", 0x120116}, {"FX", 0x1200a0},
    {"KA", 0xf003f}, {"KR", 0x20019}, {"KW", 0x20006}, {"KX", 0x20019}, {"", 0},
};

const struct sddl_word sddl_label_rights[] = {
    {"NW", 0x1}, {"NR", 0x2}, {"NX", 0x4}, {"", 0},
};

/* MS-DTYP 2.4.2.4 and 2.5.1.1; those relative to a domain (DA, DU, LA...) name nobody here. */
const struct sddl_sid sddl_sids[] = {
    {"WD", 1, 1, {0}},          /* everyone */
    {"CO", 3, 1, {0}},          /* creator owner */
    {"CG", 3, 1, {1}},          /* creator group */
    {"OW", 3, 1, {4}},          /* owner rights */
    {"NU", 5, 1, {2}},          /* network */
    {"IU", 5, 1, {4}},          /* interactive */
    {"SU", 5, 1, {6}},          /* service */
    {"AN", 5, 1, {7}},          /* anonymous */
    {"ED", 5, 1, {9}},          /* enterprise domain controllers */
    {"PS", 5, 1, {10}},         /* principal self */
    {"AU", 5, 1, {11}},         /* authenticated users */
    {"RC", 5, 1, {12}},         /* restricted code */
    {"SY", 5, 1, {18}},         /* local system */
    {"LS", 5, 1, {19}},         /* local service */
    {"NS", 5, 1, {20}},         /* network service */
    {"WR", 5, 1, {33}},         /* write-restricted code */
    {"BA", 5, 2, {32, 544}},    /* built-in administrators */
    {"BU", 5, 2, {32, 545}},    /* built-in users */
    {"BG", 5, 2, {32, 546}},    /* built-in guests */
    {"PU", 5, 2, {32, 547}},    /* power users */
    {"AO", 5, 2, {32, 548}},    /* account operators */
    {"SO", 5, 2, {32, 549}},    /* server operators */
    {"PO", 5, 2, {32, 550}},    /* printer operators */
    {"BO", 5, 2, {32, 551}},    /* backup operators */
    {"RE", 5, 2, {32, 552}},    /* replicator */
    {"RU", 5, 2, {32, 554}},    /* pre-Windows 2000 compatible access */
    {"RD", 5, 2, {32, 555}},    /* remote desktop users */
    {"NO", 5, 2, {32, 556}},    /* network configuration operators */
    {"MU", 5, 2, {32, 558}},    /* performance monitor users */
    {"LU", 5, 2, {32, 559}},    /* performance log users */
    {"IS", 5, 2, {32, 568}},    /* anonymous Internet users */
    {"CY", 5, 2, {32, 569}},    /* crypto operators */
    {"ER", 5, 2, {32, 573}},    /* event log readers */
    {"CD", 5, 2, {32, 574}},    /* certificate services DCOM access */
    {"RA", 5, 2, {32, 575}},    /* remote access servers */
    {"ES", 5, 2, {32, 576}},    /* endpoint servers */
    {"MS", 5, 2, {32, 577}},    /* management servers */
    {"HA", 5, 2, {32, 578}},    /* Hyper-V administrators */
    {"AA", 5, 2, {32, 579}},    /* access control assistance operators */
    {"RM", 5, 2, {32, 580}},    /* remote management users */
    {"UD", 5, 6, {84, 0, 0, 0, 0, 0}}, /* user-mode drivers */
    {"AC", 15, 2, {2, 1}},      /* all application packages */
    {"LW", 16, 1, {4096}},      /* low integrity */
    {"ME", 16, 1, {8192}},      /* medium integrity */
    {"MP", 16, 1, {8448}},      /* medium plus integrity */
    {"HI", 16, 1, {12288}},     /* high integrity */
    {"SI", 16, 1, {16384}},     /* system integrity */
    {"AS", 18, 1, {1}},         /* authentication authority asserted identity */
    {"SS", 18, 1, {2}},         /* service asserted identity */
    {"", 0, 0, {0}},
};
/* clang-format on */

size_t sddl_sid_put(const struct sddl_sid *sid, void *buf)
{
    struct sd_sid head = {.revision = 1, .count = sid->count};
    head.authority[5] = sid->authority;
    memcpy(buf, &head, sizeof(head));
    for (size_t i = 0; i < sid->count; i++) {
        struct lt_le32 sub = lt_put_le32(sid->subs[i]);
        memcpy((char *)buf + sizeof(head) + 4 * i, &sub, sizeof(sub));
    }
    return SD_SID_SIZE(sid->count);
}
