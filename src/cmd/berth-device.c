/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/device.h"

int
main(int argc, char **argv)
{
	return berth_device_main(argc, argv);
}
