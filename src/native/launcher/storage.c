#include "storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect.h"
#include "disk.h"
#include "kernel.h"
#include "mount_table.h"

static const char STAGE[] = "storage";
enum {
	SOURCE_BYTES = 64,
	SEND_STALL_MS = 10000,
	LEASE_FOLDERS = 2, /* beside those of the OUTPUTs */
};

/* What outlives its node has another name, as a launcher that starts removes what does not. */
static void disk_source(char source[SOURCE_BYTES], const char *instance, bool outlives)
{
	snprintf(source, SOURCE_BYTES, "souk-%s-%s", outlives ? "kept" : "disk", instance);
}

static bool is_empty(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;

	if (folder == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	do {
		errno = 0;
		entry = readdir(folder);
	} while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	bool empty = entry == NULL && errno == 0;
	closedir(folder);
	return empty;
}

static bool check_mountpoint(const struct storage *storage, const char *path, struct failure *failure)
{
	struct stat state;

	if (fstat(storage->mountpoint_fd, &state) != 0)
		return failure_set(failure, BLAME_HOST, STAGE, errno, "%s cannot be looked at", path);
	if (!S_ISDIR(state.st_mode) || state.st_uid != storage->peer_uid)
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "%s is no folder of the client's own", path);
	if (!is_empty(storage->mountpoint_fd))
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "%s is not empty", path);
	return true;
}

static bool make_disk(struct disk *disk, const struct request *request, const char *source, struct failure *failure)
{
	bool made = disk_create(disk, source, failure) &&
		    disk_size(disk, request->limits.disk_bytes, request->limits.inodes, failure) &&
		    disk_add_folder(disk, DISK_TMP, 01777, request->uid, request->gid, failure) &&
		    disk_add_folder(disk, DISK_WORK, 0755, request->uid, request->gid, failure);

	for (unsigned i = 0; made && i < request->output_count; i++) {
		char name[DISK_OUTPUT_NAME_BYTES];
		disk_output_name(name, i);
		made = disk_add_folder(disk, name, 0755, request->uid, request->gid, failure);
	}
	return made && disk_seal(disk, failure);
}

static bool mount_disk(struct disk *disk, const struct request *request, const struct storage *storage,
		       struct failure *failure)
{
	char source[SOURCE_BYTES];
	bool mounted;

	disk_source(source, storage->instance, request->outlives);
	*disk = (struct disk){.fd = -1, .context = -1};
	if (!check_mountpoint(storage, request->mountpoint, failure))
		return false;
	mounted = make_disk(disk, request, source, failure);
	if (mounted && k_move_mount(disk->fd, "", storage->mountpoint_fd, "",
				    K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH) != 0)
		mounted = failure_set(failure, BLAME_HOST, STAGE, errno, "The disk cannot be mounted at %s",
				      request->mountpoint);
	if (!mounted)
		disk_close(disk);
	failure->stage = STAGE;
	return mounted;
}

/* It was leased at a folder of the client's own; what can be told of that now is whose folder it lies in. */
static bool is_in_own_folder(const struct storage *storage)
{
	struct stat above;

	return fstatat(storage->mountpoint_fd, "..", &above, AT_SYMLINK_NOFOLLOW) == 0 && above.st_uid == storage->peer_uid;
}

static bool adopt_disk(struct disk *disk, const struct request *request, const struct storage *storage, struct failure *failure)
{
	char source[SOURCE_BYTES];
	int id = mount_table_id(storage->mountpoint_fd), fd;

	disk_source(source, storage->instance, true);
	*disk = (struct disk){.fd = -1, .context = -1};
	if (id < 0)
		return failure_set(failure, BLAME_HOST, STAGE, errno, "The mount cannot be looked at");
	if (!mount_table_is_root(storage->mountpoint_fd) || !mount_table_is_disk(id, source))
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "What is at %s is no disk that was to outlive its node", request->mountpoint);
	if (!is_in_own_folder(storage))
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "%s is in no folder of the client's own", request->mountpoint);
	fd = fcntl(storage->mountpoint_fd, F_DUPFD_CLOEXEC, 0);
	return (fd >= 0 && disk_reopen(disk, fd, LEASE_FOLDERS + (unsigned)request->output_count)) ||
	       failure_set(failure, BLAME_HOST, STAGE, errno, "The disk at %s cannot be taken over", request->mountpoint);
}

static bool hand_over(struct connection *connection, const struct request *request, const struct disk *disk)
{
	char names[REQUEST_OUTPUTS_MAX][DISK_OUTPUT_NAME_BYTES];
	struct collect_folder folders[REQUEST_OUTPUTS_MAX];
	struct disk_state state = disk_state(disk);
	struct records records;

	for (unsigned i = 0; i < request->output_count; i++) {
		disk_output_name(names[i], i);
		folders[i] = (struct collect_folder){.name = names[i], .path = request->outputs[i]};
	}
	struct collect collect = {
		.disk_fd = disk->fd,
		.folders = folders,
		.folder_count = request->output_count,
		.max_bytes = disk->bytes,
	};
	if (!collect_outputs(connection, &collect))
		return false;
	records_begin(&records);
	records_number(&records, REPORT_DISK_FULL, state.bytes_full);
	records_number(&records, REPORT_INODES_FULL, state.inodes_full);
	return frame_send_report(connection, &records) && frame_send_done(connection) &&
	       connection_drain(connection, COLLECT_STALL_MS);
}

/* DONE or FAILED; false when the client is gone. */
static bool send_answer(struct connection *connection, bool done, const struct failure *failure)
{
	return (done ? frame_send_done(connection) : frame_send_failed(connection, failure)) &&
	       connection_drain(connection, SEND_STALL_MS);
}

/* How a lease ends; or that it goes on. */
enum lease_state { LEASE_GOES_ON, LEASE_LET_GO, LEASE_RELEASED };

static bool resize(struct connection *connection, struct disk *disk, const struct frame *frame)
{
	struct failure failure;
	bool resized = disk_resize(disk, frame->disk_bytes, frame->inodes, &failure);

	return send_answer(connection, resized, &failure);
}

static enum lease_state serve_frames(struct connection *connection, const struct request *request, struct disk *disk)
{
	struct frame frame;
	const char *why = NULL;
	struct failure failure;
	enum next_result next;

	while ((next = connection_next(connection, &frame, &why)) == FRAME_TAKEN) {
		bool served;

		if (frame.type == FRAME_RELEASE)
			return LEASE_RELEASED;
		if (frame.type != FRAME_COLLECT && frame.type != FRAME_RESIZE) {
			why = "a storage lease takes COLLECT, RESIZE and RELEASE frames only";
			break;
		}
		served = frame.type == FRAME_COLLECT ? hand_over(connection, request, disk) : resize(connection, disk, &frame);
		if (!served)
			return LEASE_LET_GO;
	}
	if (next == FRAME_NONE)
		return LEASE_GOES_ON;
	failure_set(&failure, BLAME_REQUEST, "request", 0, "%s", why);
	send_answer(connection, false, &failure);
	return LEASE_LET_GO;
}

/* To its end: whether it was released. */
static bool serve_lease(struct connection *connection, const struct request *request, struct disk *disk, int alive)
{
	enum lease_state state;

	/* What came together with the REQUEST is in the buffer already. */
	while ((state = serve_frames(connection, request, disk)) == LEASE_GOES_ON) {
		struct pollfd ends[] = {
			{.fd = connection->fd, .events = POLLIN},
			{.fd = alive, .events = POLLIN},
		};

		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			return false;
		if (ends[1].revents != 0)
			return false;
		if (ends[0].revents != 0 && connection_receive(connection) == RECEIVE_CLOSED)
			return false;
	}
	return state == LEASE_RELEASED;
}

void storage_serve(struct connection *connection, const struct request *request, const struct storage *storage)
{
	bool adopts = request->kind == REQUEST_ADOPT, told, released = false, unmounted;
	struct failure failure;
	struct disk disk;

	prctl(PR_SET_PDEATHSIG, 0);
	if (!(adopts ? adopt_disk : mount_disk)(&disk, request, storage, &failure)) {
		send_answer(connection, false, &failure);
		return;
	}
	told = frame_send_started(connection, 0) && connection_drain(connection, SEND_STALL_MS);
	if (told)
		released = serve_lease(connection, request, &disk, storage->alive);
	if (released || !(adopts || (request->outlives && told))) {
		unmounted = mount_table_detach(disk.fd) ||
			    failure_set(&failure, BLAME_HOST, STAGE, errno, "The disk cannot be unmounted");
		if (released)
			send_answer(connection, unmounted, &failure);
	}
	disk_close(&disk);
}

static bool unmount(const struct storage *storage, struct failure *failure)
{
	char disk[SOURCE_BYTES], kept[SOURCE_BYTES];
	int id = mount_table_id(storage->mountpoint_fd);

	disk_source(disk, storage->instance, false);
	disk_source(kept, storage->instance, true);
	if (id < 0)
		return failure_set(failure, BLAME_HOST, STAGE, errno, "The mount cannot be looked at");
	if (!mount_table_is_root(storage->mountpoint_fd))
		return true;
	if (!mount_table_is_disk(id, disk) && !mount_table_is_disk(id, kept))
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "What is mounted there is no disk of this launcher");
	if (!mount_table_detach(storage->mountpoint_fd))
		return failure_set(failure, BLAME_HOST, STAGE, errno, "The disk cannot be unmounted");
	return true;
}

void storage_unmount(struct connection *connection, const struct storage *storage)
{
	struct failure failure;
	bool unmounted = unmount(storage, &failure);

	send_answer(connection, unmounted, &failure);
}

void storage_remove_left(const char *instance)
{
	char source[SOURCE_BYTES];

	disk_source(source, instance, false);
	mount_table_detach_all(source);
}
