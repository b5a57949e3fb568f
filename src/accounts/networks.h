/* SPDX-License-Identifier: ISC */
#include "base/networks.h"
