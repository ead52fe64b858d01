#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "frame.h"
#include "request_path.h"
#include "request_tags.h"

#define TIME_MS_MAX (UINT64_C(1) << 40)
enum { RECORD_HEADER_BYTES = 6, DESCRIPTOR_MIN = 3, DESCRIPTOR_MAX = 15 };
/* Flags of a BIND. */
enum { BIND_EXECUTABLE = 1, BIND_ALONE = 2 };

struct parser {
	struct request *request;
	char *strings;           /* where the next copy goes */
	uint16_t seen[TAG_COUNT];
	char *error;             /* REQUEST_ERROR_BYTES */
};

struct record {
	enum tag tag;
	const uint8_t *value;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(parser->error, REQUEST_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

/* A NUL-terminated copy. It always fits: a record's header, which is not copied, is longer than a NUL. */
static char *copy(struct parser *parser, const uint8_t *bytes, size_t length)
{
	char *string = parser->strings;

	memcpy(string, bytes, length);
	string[length] = '\0';
	parser->strings += length + 1;
	return string;
}

static bool parse_text(struct parser *parser, const struct record *record, const char **text)
{
	if (record->length > 0 && memchr(record->value, '\0', record->length) != NULL)
		return refuse(parser, "%s has a NUL byte", tags[record->tag].name);
	*text = copy(parser, record->value, record->length);
	return true;
}

static bool parse_number(struct parser *parser, const struct record *record, uint64_t max, uint64_t *number)
{
	if (record->length != 8)
		return refuse(parser, "%s is not 8 bytes long", tags[record->tag].name);
	*number = get_le(record->value, 8);
	if (*number > max)
		return refuse(parser, "%s is above %llu", tags[record->tag].name, (unsigned long long)max);
	return true;
}

static bool parse_path(struct parser *parser, const struct record *record, size_t max, const char **path)
{
	if (!parse_text(parser, record, path))
		return false;
	if (record->length > max)
		return refuse(parser, "the path in %s is longer than %zu bytes", tags[record->tag].name, max);
	if (!request_path_is_normal(*path))
		return refuse(parser, "the path in %s is not absolute and normalised", tags[record->tag].name);
	return true;
}

static bool parse_bind(struct parser *parser, const struct record *record)
{
	struct request *request = parser->request;
	struct request_bind *bind = &request->binds[request->bind_count];
	const uint8_t *host = record->value + 1, *inside;
	size_t host_length, inside_length;

	if (record->length < 2 || (record->value[0] & ~(BIND_EXECUTABLE | BIND_ALONE)) != 0)
		return refuse(parser, "BIND has no paths or unknown flags");
	inside = memchr(host, '\0', record->length - 1);
	if (inside == NULL)
		return refuse(parser, "BIND has no path inside");
	host_length = (size_t)(inside - host);
	inside++;
	inside_length = record->length - 1 - host_length - 1;
	if (inside_length > 0 && memchr(inside, '\0', inside_length) != NULL)
		return refuse(parser, "BIND has more than two paths");
	bind->executable = (record->value[0] & BIND_EXECUTABLE) != 0;
	bind->alone = (record->value[0] & BIND_ALONE) != 0;
	bind->host = copy(parser, host, host_length);
	bind->inside = copy(parser, inside, inside_length);
	if (host_length > REQUEST_HOST_PATH_MAX || inside_length > REQUEST_INSIDE_PATH_MAX)
		return refuse(parser, "a path in BIND is too long");
	if (!request_path_is_normal(bind->host) || !request_path_is_normal(bind->inside))
		return refuse(parser, "a path in BIND is not absolute and normalised");
	if (request_path_is_reserved(bind->inside))
		return refuse(parser, "BIND at /, or at or below /proc or /dev, is not allowed");
	for (size_t i = 0; i < request->bind_count; i++)
		if (strcmp(request->binds[i].inside, bind->inside) == 0)
			return refuse(parser, "two BINDs have the same path inside");
	request->bind_count++;
	return true;
}

static bool parse_output(struct parser *parser, const struct record *record)
{
	struct request *request = parser->request;
	const char *path;

	if (!parse_path(parser, record, REQUEST_INSIDE_PATH_MAX, &path))
		return false;
	if (request_path_is_reserved(path))
		return refuse(parser, "OUTPUT at /, or at or below /proc or /dev, is not allowed");
	for (size_t i = 0; i < request->output_count; i++)
		if (strcmp(request->outputs[i], path) == 0)
			return refuse(parser, "two OUTPUTs have the same path");
	request->outputs[request->output_count++] = path;
	return true;
}

static bool parse_channel(struct parser *parser, const struct record *record)
{
	struct request *request = parser->request;
	uint8_t descriptor;

	if (record->length != 2 || record->value[1] > 1)
		return refuse(parser, "CHANNEL is not a descriptor and a direction");
	descriptor = record->value[0];
	if (descriptor < DESCRIPTOR_MIN || descriptor > DESCRIPTOR_MAX)
		return refuse(parser, "CHANNEL is not a descriptor from 3 to 15");
	for (size_t i = 0; i < request->channel_count; i++)
		if (request->channels[i].descriptor == descriptor)
			return refuse(parser, "two CHANNELs are the same descriptor");
	request->channels[request->channel_count++] =
		(struct request_channel){.descriptor = descriptor, .from_task = record->value[1] == 1};
	return true;
}

static bool parse_env(struct parser *parser, const struct record *record)
{
	const char *text;

	if (!parse_text(parser, record, &text))
		return false;
	if (text[0] == '=' || strchr(text, '=') == NULL)
		return refuse(parser, "ENV is not of the form KEY=VALUE");
	parser->request->env[parser->request->env_count++] = (char *)text;
	return true;
}

static bool parse_program(struct parser *parser, const struct record *record)
{
	if (record->length == 0 || record->length > REQUEST_INSIDE_PATH_MAX)
		return refuse(parser, "PROGRAM is empty or longer than %d bytes", REQUEST_INSIDE_PATH_MAX);
	return parse_text(parser, record, &parser->request->program);
}

/* An id that is not (uid_t)-1, which the kernel takes for "leave it". */
static bool parse_id(struct parser *parser, const struct record *record, uint32_t *id)
{
	uint64_t number;

	if (!parse_number(parser, record, UINT32_MAX - 1, &number))
		return false;
	*id = (uint32_t)number;
	return true;
}

static bool parse_kind(struct parser *parser, const struct record *record)
{
	uint64_t number;

	if (!parse_number(parser, record, REQUEST_ADOPT, &number))
		return false;
	if (number < REQUEST_RUN)
		return refuse(parser, "KIND is none of 1 to 5");
	parser->request->kind = (enum request_kind)number;
	return true;
}

/* What is asked for by being there: 1, and nothing else. */
static bool parse_wish(struct parser *parser, const struct record *record, bool *wish)
{
	uint64_t number;

	if (!parse_number(parser, record, 1, &number))
		return false;
	*wish = number == 1;
	return *wish || refuse(parser, "%s is not 1", tags[record->tag].name);
}

static bool parse_limit(struct parser *parser, const struct record *record)
{
	struct request_limits *limits = &parser->request->limits;
	uint64_t *const places[TAG_COUNT] = {
		[TAG_MEMORY_BYTES] = &limits->memory_bytes,
		[TAG_PIDS] = &limits->pids,
		[TAG_CPU_MILLICORES] = &limits->cpu_millicores,
		[TAG_CPU_SHARES] = &limits->cpu_shares,
		[TAG_CPU_TIME_MS] = &limits->cpu_time_ms,
		[TAG_WALL_TIME_MS] = &limits->wall_time_ms,
		[TAG_IDLE_TIME_MS] = &limits->idle_time_ms,
		[TAG_DISK_BYTES] = &limits->disk_bytes,
		[TAG_INODES] = &limits->inodes,
		[TAG_OPEN_FILES] = &limits->open_files,
		[TAG_STACK_BYTES] = &limits->stack_bytes,
	};
	uint64_t *place = places[record->tag];
	bool is_time = record->tag >= TAG_CPU_TIME_MS && record->tag <= TAG_IDLE_TIME_MS;

	if (!parse_number(parser, record, FRAME_NUMBER_MAX, place))
		return false;
	if (*place == 0 && record->tag != TAG_DISK_BYTES && record->tag != TAG_INODES)
		return refuse(parser, "%s is 0", tags[record->tag].name);
	if (is_time && *place > TIME_MS_MAX)
		*place = TIME_MS_MAX;
	return true;
}

static bool parse_record(struct parser *parser, const struct record *record)
{
	struct request *request = parser->request;

	switch (record->tag) {
	case TAG_KIND:
		return parse_kind(parser, record);
	case TAG_ROOT_FOLDER:
		return parse_path(parser, record, REQUEST_HOST_PATH_MAX, &request->root_folder);
	case TAG_ROOT_USR:
		return parse_wish(parser, record, &request->root_usr);
	case TAG_ROOT_WRITABLE:
		return parse_wish(parser, record, &request->root_writable);
	case TAG_OUTLIVES:
		return parse_wish(parser, record, &request->outlives);
	case TAG_PROGRAM:
		return parse_program(parser, record);
	case TAG_ARG: {
		const char *text;
		if (!parse_text(parser, record, &text))
			return false;
		request->args[request->arg_count++] = (char *)text;
		return true;
	}
	case TAG_ENV:
		return parse_env(parser, record);
	case TAG_WORKDIR:
		return parse_path(parser, record, REQUEST_INSIDE_PATH_MAX, &request->workdir);
	case TAG_BIND:
		return parse_bind(parser, record);
	case TAG_OUTPUT:
		return parse_output(parser, record);
	case TAG_CHANNEL:
		return parse_channel(parser, record);
	case TAG_UID:
		return parse_id(parser, record, &request->uid);
	case TAG_GID:
		return parse_id(parser, record, &request->gid);
	case TAG_MOUNTPOINT:
		return parse_path(parser, record, REQUEST_HOST_PATH_MAX, &request->mountpoint);
	default:
		return parse_limit(parser, record);
	}
}

static bool parse_records(struct parser *parser, const uint8_t *payload, size_t length)
{
	for (size_t at = 0; at < length;) {
		struct record record;
		unsigned tag;
		uint64_t value_length;

		if (length - at < RECORD_HEADER_BYTES)
			return refuse(parser, "the last record is cut off");
		tag = (unsigned)get_le(payload + at, 2);
		value_length = get_le(payload + at + 2, 4);
		at += RECORD_HEADER_BYTES;
		if (value_length > length - at)
			return refuse(parser, "record %u is longer than the frame", tag);
		if (tag >= TAG_COUNT || tags[tag].name == NULL)
			return refuse(parser, "there is no record %u", tag);
		if (++parser->seen[tag] > tags[tag].most)
			return refuse(parser, "%s comes more than %u times", tags[tag].name, tags[tag].most);
		record = (struct record){.tag = (enum tag)tag, .value = payload + at, .length = (size_t)value_length};
		if (!parse_record(parser, &record))
			return false;
		at += (size_t)value_length;
	}
	return true;
}

static bool check_whole(struct parser *parser)
{
	struct request *request = parser->request;
	unsigned kind = 1U << request->kind;

	if (parser->seen[TAG_KIND] == 0)
		return refuse(parser, "KIND is missing");
	for (unsigned tag = 0; tag < TAG_COUNT; tag++) {
		if (parser->seen[tag] == 0 && (tags[tag].required & kind) != 0)
			return refuse(parser, "%s is missing", tags[tag].name);
		if (parser->seen[tag] > 0 && (tags[tag].allowed & kind) == 0)
			return refuse(parser, "a request of kind %u has no %s", request->kind, tags[tag].name);
	}
	if (request->root_folder != NULL && request->root_usr)
		return refuse(parser, "ROOT_FOLDER and ROOT_USR exclude each other");
	if (request->root_writable && request->root_folder == NULL)
		return refuse(parser, "ROOT_WRITABLE needs a ROOT_FOLDER");
	if (request->kind == REQUEST_RUN && request->workdir == NULL)
		request->workdir = "/";
	request->args[request->arg_count] = NULL;
	request->env[request->env_count] = NULL;
	return true;
}

bool request_parse(const uint8_t *payload, size_t length, struct request *request, char error[REQUEST_ERROR_BYTES])
{
	struct parser parser = {.request = request, .error = error};
	struct request_limits *limits = &request->limits;

	memset(request, 0, offsetof(struct request, args));
	*limits = (struct request_limits){REQUEST_UNLIMITED, REQUEST_UNLIMITED, REQUEST_UNLIMITED, REQUEST_UNLIMITED,
					  REQUEST_UNLIMITED, REQUEST_UNLIMITED, REQUEST_UNLIMITED, REQUEST_UNLIMITED,
					  REQUEST_UNLIMITED, REQUEST_UNLIMITED, REQUEST_UNLIMITED};
	request->strings = malloc(length + 1);
	if (request->strings == NULL)
		return refuse(&parser, "there is no memory for the request");
	parser.strings = request->strings;
	if (parse_records(&parser, payload, length) && check_whole(&parser))
		return true;
	request_free(request);
	return false;
}

void request_free(struct request *request)
{
	free(request->strings);
	request->strings = NULL;
}
