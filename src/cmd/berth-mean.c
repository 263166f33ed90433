/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/mean/mean.h"

int
main(int argc, char **argv)
{
	return berth_mean_main(argc, argv);
}
