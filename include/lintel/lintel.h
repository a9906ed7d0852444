/* SPDX-License-Identifier: MIT */
/* All of Lintel's public interface. */
#ifndef LINTEL_LINTEL_H
#define LINTEL_LINTEL_H

#include <lintel/access.h>
#include <lintel/acl.h>
#include <lintel/copy.h>
#include <lintel/error.h>
#include <lintel/event.h>
#include <lintel/file.h>
#include <lintel/fs.h>
#include <lintel/lock.h>
#include <lintel/mount.h>
#include <lintel/path.h>
#include <lintel/sddl.h>
#include <lintel/tree.h>
#include <lintel/types.h>
#include <lintel/winmeta.h>

#endif
