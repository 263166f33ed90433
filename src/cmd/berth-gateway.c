/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/gateway.h"

int
main(int argc, char **argv)
{
	return berth_gateway_main(argc, argv);
}
