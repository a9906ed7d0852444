/* SPDX-License-Identifier: MIT */
/*
 * Makes a self-relative security descriptor: SIDs and lists one behind the other, in any order. An
 * error is kept until the end, so that nothing has to be looked at between.
 */
#ifndef LT_CORE_SECURITY_BUILD_H
#define LT_CORE_SECURITY_BUILD_H

#include "descriptor.h"

struct sd_builder {
    char *data; /* malloc'd, grows */
    size_t len, capacity;
    size_t owner, group, sacl, dacl; /* offsets; 0: none */
    uint32_t control;                /* SD_..., the caller's to set */
    size_t list;                     /* where the open list begins */
    uint32_t count;                  /* entries in it */
    uint8_t revision;
    int error;
};

void sd_build_begin(struct sd_builder *b);
void sd_build_owner(struct sd_builder *b, const struct lt_sid *sid);
void sd_build_group(struct sd_builder *b, const struct lt_sid *sid);
/* The descriptor, malloc'd. LT_ENOMEM; LT_EINVAL: too long. Ends the builder. */
int sd_build_end(struct sd_builder *b, char **ret, size_t *ret_len);

/* A list is begun, filled, and ended as one or the other; one at a time. Ending sets its control
 * bit. */
void sd_list_begin(struct sd_builder *b);
void sd_list_put(struct sd_builder *b, uint8_t type, uint32_t mask, const struct lt_sid *sid);
/* An entry as it is but for flags, mask and (unless NULL) SID, which it must have then. */
void sd_list_copy(struct sd_builder *b, const struct sd_ace *ace, uint8_t flags, uint32_t mask,
                  const struct lt_sid *sid);
/* Ends a list that is not to be. */
void sd_list_drop(struct sd_builder *b);
void sd_list_end_dacl(struct sd_builder *b);
void sd_list_end_sacl(struct sd_builder *b);
/* Ends list and builder: the bytes of the list alone. */
int sd_list_end_alone(struct sd_builder *b, char **ret, size_t *ret_len);

#endif
