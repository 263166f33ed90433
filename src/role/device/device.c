/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/device.h"

#include <stdio.h>

#include "system/files.h"

#define PEM_MAX_BYTES ((size_t)256 << 10) /* BERTH_CERT_LIST_MAX certificates of 4 KiB, in base64 */

static enum berth_err
load_certificates(struct berth_pki *pki, const char *path, struct berth_cert_list *list,
		  struct berth_why *why)
{
	BERTH_BUF pem = {0};
	enum berth_err err = berth_file_read(path, PEM_MAX_BYTES, &pem, why);
	return err ? err : berth_cert_list_parse(pki, berth_buf_view(&pem), list, why);
}

static enum berth_err
load_identity(struct berth_device *device, struct berth_why *why)
{
	const struct berth_device_conf *conf = device->conf;
	enum berth_err err =
		load_certificates(device->pki, conf->idevid_certificates, &device->idevid, why);
	err = err ? err
		  : load_certificates(device->pki, conf->manufacturer_anchors, &device->anchors,
				      why);
	err = err ? err
		  : berth_keystore_load(device->pki, conf->idevid_key, &device->idevid_key, why);
	if (!err && !berth_key_equal(device->idevid_key, berth_cert_key(device->idevid.at[0]))) {
		return berth_fail(why, BERTH_E_MISMATCH, "device-birth-key", NULL,
				  "the birth key is not that of the birth certificate");
	}
	return err;
}

static enum berth_err
take_lock(struct berth_device *device, struct berth_why *why)
{
	char path[BERTH_KEY_URI_MAX];
	const int n = snprintf(path, sizeof(path), "%s/lock", device->conf->state_directory);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the state directory's path is too long");
	}
	enum berth_err err = berth_file_lock(path, &device->lock, why);
	if (err == BERTH_E_EXISTS) {
		return berth_fail(why, err, "device-running", NULL,
				  "another berth-device works on %.120s: stop it first",
				  device->conf->state_directory);
	}
	return err;
}

static enum berth_err
choose_pattern(struct berth_device *device, struct berth_why *why)
{
	const char *given = device->conf->ldevid_key;
	const int n = given ? snprintf(device->ldevid_pattern, sizeof(device->ldevid_pattern), "%s",
				       given)
			    : snprintf(device->ldevid_pattern, sizeof(device->ldevid_pattern),
				       "file:%s/ldevid-" BERTH_DEVICE_KEY_MARK ".key",
				       device->conf->state_directory);
	/* 32: room for the digits that replace the mark */
	if (n < 0 || (size_t)n + 32 >= sizeof(device->ldevid_pattern)) {
		return berth_fail(why, BERTH_E_USAGE, "device-ldevid-key", NULL,
				  "the URI for new keys is too long");
	}
	return BERTH_OK;
}

static enum berth_err
open_parts(struct berth_device *device, bool locked, struct berth_why *why)
{
	enum berth_err err = berth_folder_make(device->conf->state_directory, 0700, why);
	err = err ? err : choose_pattern(device, why);
	if (!err && locked) {
		err = take_lock(device, why);
	}
	err = err ? err : berth_pki_open(&device->pki, why);
	err = err ? err : berth_keystore_use_tpm(device->pki, device->conf->tpm, why);
	err = err ? err : load_identity(device, why);
	return err ? err
		   : berth_device_state_load(device->pki, device->conf->state_directory,
					     &device->state, why);
}

enum berth_err
berth_device_open(const struct berth_device_conf *conf, bool locked, struct berth_device *ret,
		  struct berth_why *why)
{
	struct berth_device device = {
		.conf = conf, .lock = -1, .log = berth_log_open("berth-device", conf->log == 1)};
	enum berth_err err = open_parts(&device, locked, why);
	if (err) {
		berth_device_close(&device);
		return err;
	}
	*ret = device;
	return BERTH_OK;
}

void
berth_device_close(struct berth_device *device)
{
	berth_device_state_free(&device->state);
	berth_cert_list_free(&device->idevid);
	berth_cert_list_free(&device->anchors);
	berth_key_free(device->idevid_key);
	berth_pki_close(device->pki);
	berth_fd_close(&device->lock);
	*device = (struct berth_device){.lock = -1};
}
