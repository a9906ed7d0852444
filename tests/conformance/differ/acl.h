/* SPDX-License-Identifier: MIT */
/* POSIX ACLs in the form of their extended attributes (linux/posix_acl_xattr.h), random ones. */
#ifndef DIFFER_ACL_H
#define DIFFER_ACL_H

#include <stddef.h>
#include <stdint.h>

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_MAX 256

/* Fills buf (ACL_MAX bytes) with an ACL, seldom a malformed one; returns its length. */
size_t acl_random(unsigned char *buf, uint64_t seed);

#endif
