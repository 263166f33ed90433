/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/playbook/report.h"

#include "codec/json.h"

static const char build_name[2] = {'B', 'D'};

struct counts {
	unsigned shown;
	unsigned failed;
	unsigned not_built;
};

static struct counts
count(const struct berth_playbook_results *results)
{
	struct counts counts = {0, 0, 0};
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT; i++) {
		for (int d = 0; d < 2 && berth_playbook_row_is_reported(results, i); d++) {
			switch (berth_playbook_row_status(results, i, d == 1)) {
			case BERTH_ROW_SHOWN:
				counts.shown++;
				break;
			case BERTH_ROW_FAILED:
				counts.failed++;
				break;
			case BERTH_ROW_NOT_BUILT:
				counts.not_built++;
				break;
			}
		}
	}
	return counts;
}

static enum berth_err
text_lines(struct berth_buf *out, const char *label, const struct berth_playbook_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		enum berth_err err = berth_buf_printf(out, "         %s %s\n", label, texts->at[i]);
		if (err != BERTH_OK) {
			return err;
		}
	}
	return BERTH_OK;
}

static enum berth_err
text_row(const struct berth_playbook_results *results, size_t i, struct berth_buf *out)
{
	enum berth_err err = berth_buf_printf(
		out, "%-6s %-42s B: %-10s D: %s\n", berth_capabilities[i].id,
		berth_capabilities[i].title,
		berth_playbook_status_name(berth_playbook_row_status(results, i, false)),
		berth_playbook_status_name(berth_playbook_row_status(results, i, true)));
	for (int d = 0; d < 2 && err == BERTH_OK; d++) {
		const struct berth_playbook_row *row = &results->row[i][d];
		const char *remark = berth_playbook_row_remark(results, i, d == 1);
		err = text_lines(out, "+", &row->evidence);
		if (err == BERTH_OK) {
			err = text_lines(out, "-", &row->refusal);
		}
		if (err == BERTH_OK && remark != NULL) {
			err = berth_buf_printf(out, "         %c: %s\n", build_name[d], remark);
		}
	}
	return err;
}

enum berth_err
berth_playbook_report_text(const struct berth_playbook_results *results, struct berth_buf *out)
{
	struct counts counts = count(results);
	enum berth_err err = berth_buf_append_text(
		out, "The 32 capabilities of NIST SP 1800-36 (+ evidence, - what was refused)\n\n");
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT && err == BERTH_OK; i++) {
		if (berth_playbook_row_is_reported(results, i)) {
			err = text_row(results, i, out);
		}
	}
	if (err != BERTH_OK) {
		return err;
	}
	return berth_buf_printf(
		out, "\n%u shown, %u failed, %u not built (32 capabilities, builds B and D)\n",
		counts.shown, counts.failed, counts.not_built);
}

static json_t *
json_texts(const struct berth_playbook_texts *texts)
{
	json_t *array = json_array();
	for (size_t i = 0; i < texts->n; i++) {
		if (json_array_append_new(array, json_string(texts->at[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *
json_row(const struct berth_playbook_results *results, size_t i, bool is_build_d)
{
	const struct berth_playbook_row *row = &results->row[i][is_build_d];
	const char *remark = berth_playbook_row_remark(results, i, is_build_d);
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o}", "id", berth_capabilities[i].id, "build",
		is_build_d ? "D" : "B", "title", berth_capabilities[i].title, "status",
		berth_playbook_status_name(berth_playbook_row_status(results, i, is_build_d)),
		"evidence", json_texts(&row->evidence), "refusal", json_texts(&row->refusal));
	if (object != NULL && remark != NULL &&
	    json_object_set_new(object, "remark", json_string(remark)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

enum berth_err
berth_playbook_report_json(const struct berth_playbook_results *results, struct berth_buf *out)
{
	json_t *rows = json_array();
	bool is_whole = rows != NULL;
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT; i++) {
		for (int d = 0; d < 2 && berth_playbook_row_is_reported(results, i); d++) {
			is_whole = is_whole &&
				   json_array_append_new(rows, json_row(results, i, d == 1)) == 0;
		}
	}
	json_t *top = json_pack("{s:o}", "rows", rows);
	char *text = is_whole && top != NULL ? json_dumps(top, JSON_COMPACT) : NULL;
	enum berth_err err = BERTH_E_MEMORY;
	if (text != NULL) {
		err = berth_buf_printf(out, "%s\n", text);
	}
	free(text);
	json_decref(top);
	return err;
}

static enum berth_err
html_text(struct berth_buf *out, const char *text)
{
	enum berth_err err = BERTH_OK;
	for (const char *p = text; *p != '\0' && err == BERTH_OK; p++) {
		switch (*p) {
		case '<':
			err = berth_buf_append_text(out, "&lt;");
			break;
		case '>':
			err = berth_buf_append_text(out, "&gt;");
			break;
		case '&':
			err = berth_buf_append_text(out, "&amp;");
			break;
		default:
			err = berth_buf_append_u8(out, (uint8_t)*p);
		}
	}
	return err;
}

static enum berth_err
html_element(struct berth_buf *out, const char *open, const char *text, const char *close)
{
	enum berth_err err = berth_buf_append_text(out, open);
	if (err == BERTH_OK) {
		err = html_text(out, text);
	}
	return err == BERTH_OK ? berth_buf_append_text(out, close) : err;
}

static enum berth_err
html_texts(struct berth_buf *out, const struct berth_playbook_texts *texts, const char *css)
{
	enum berth_err err = texts->n > 0 ? berth_buf_printf(out, "<ul class=%s>", css) : BERTH_OK;
	for (size_t i = 0; i < texts->n && err == BERTH_OK; i++) {
		err = html_element(out, "<li>", texts->at[i], "");
	}
	return texts->n > 0 && err == BERTH_OK ? berth_buf_append_text(out, "</ul>") : err;
}

static enum berth_err
html_row(const struct berth_playbook_results *results, size_t i, bool is_build_d,
	 struct berth_buf *out)
{
	const struct berth_playbook_row *row = &results->row[i][is_build_d];
	enum berth_playbook_status status = berth_playbook_row_status(results, i, is_build_d);
	const char *remark = berth_playbook_row_remark(results, i, is_build_d);
	enum berth_err err =
		berth_buf_printf(out, "<tr class=s%d><td>%s<td>%c<td>%s<td>%s<td>", (int)status,
				 berth_capabilities[i].id, build_name[is_build_d],
				 berth_capabilities[i].title, berth_playbook_status_name(status));
	if (err == BERTH_OK) {
		err = html_texts(out, &row->evidence, "evidence");
	}
	if (err == BERTH_OK) {
		err = html_texts(out, &row->refusal, "refusal");
	}
	if (err == BERTH_OK && remark != NULL) {
		err = html_element(out, "<p>", remark, "</p>");
	}
	return err;
}

enum berth_err
berth_playbook_report_html(const struct berth_playbook_results *results, struct berth_buf *out)
{
	static const char head[] =
		"<!doctype html><html lang=en><meta charset=utf-8><title>Berth: capabilities of "
		"NIST SP 1800-36"
		"</title><style>body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:75em}"
		"table{border-collapse:collapse}td,th{padding:.4em .6em;border-bottom:1px solid "
		"#ccc;"
		"vertical-align:top;text-align:left}ul{margin:.2em 0;padding-left:1.4em}"
		".evidence{list-style-type:'+ '}.refusal{list-style-type:'\\2212  '}p{margin:.2em "
		"0;color:#555}"
		".s0 td:nth-child(4){color:#075}.s1 td:nth-child(4){color:#b00;font-weight:bold}"
		".s2{color:#666}</style><h1>The 32 capabilities of NIST SP 1800-36</h1>"
		"<p>B: BRSKI. D: Wi-Fi Easy Connect. + evidence, \xe2\x88\x92 what was refused.</p>"
		"<table><tr><th>Row<th>Build<th>Capability<th>Status<th>What was seen\n";
	enum berth_err err = berth_buf_append_text(out, head);
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT && err == BERTH_OK; i++) {
		if (!berth_playbook_row_is_reported(results, i)) {
			continue;
		}
		err = html_row(results, i, false, out);
		if (err == BERTH_OK) {
			err = html_row(results, i, true, out);
		}
	}
	return err == BERTH_OK ? berth_buf_append_text(out, "</table></html>\n") : err;
}
