//! Capability ids that a vertex asks of the daemon.
//!
//! A daemon refuses to load a vertex with a capability it does not know, which turns "silently
//! built something else" into an error. Source: BuildKit `solver/pb/caps.go`, spellings included.

pub(super) const IMAGE: &str = "source.image";
pub(super) const IMAGE_RESOLVE_MODE: &str = "source.image.resolvemode";
pub(super) const IMAGE_LAYER_LIMIT: &str = "source.image.layerlimit";
pub(super) const IMAGE_CHECKSUM: &str = "source.image.checksum";
pub(super) const OCI_LAYOUT: &str = "source.ocilayout";

pub(super) const LOCAL: &str = "source.local";
pub(super) const LOCAL_UNIQUE: &str = "source.local.unique";
pub(super) const LOCAL_SESSION_ID: &str = "source.local.sessionid";
pub(super) const LOCAL_INCLUDE: &str = "source.local.includepatterns";
pub(super) const LOCAL_FOLLOW: &str = "source.local.followpaths";
pub(super) const LOCAL_EXCLUDE: &str = "source.local.excludepatterns";
pub(super) const LOCAL_SHARED_KEY_HINT: &str = "source.local.sharedkeyhint";
pub(super) const LOCAL_DIFFER: &str = "source.local.differ";

pub(super) const GIT: &str = "source.git";
pub(super) const GIT_KEEP_DIR: &str = "source.git.keepgitdir";
pub(super) const GIT_FULL_URL: &str = "source.git.fullurl";
pub(super) const GIT_HTTP_AUTH: &str = "source.git.httpauth";
pub(super) const GIT_KNOWN_SSH_HOSTS: &str = "source.git.knownsshhosts";
pub(super) const GIT_MOUNT_SSH_SOCK: &str = "source.git.mountsshsock";
pub(super) const GIT_CHECKSUM: &str = "source.git.checksum";
pub(super) const GIT_SKIP_SUBMODULES: &str = "source.git.skipsubmodules";

pub(super) const HTTP: &str = "source.http";
pub(super) const HTTP_AUTH: &str = "source.http.auth";
pub(super) const HTTP_CHECKSUM: &str = "source.http.checksum";
pub(super) const HTTP_PERM: &str = "source.http.perm";
/// Misspelt by BuildKit when it was released, and so for ever.
pub(super) const HTTP_UID_GID: &str = "soruce.http.uidgid";

pub(super) const EXEC_BASE: &str = "exec.meta.base";
pub(super) const EXEC_NETWORK: &str = "exec.meta.network";
pub(super) const EXEC_PROXY: &str = "exec.meta.proxyenv";
pub(super) const EXEC_SECURITY: &str = "exec.meta.security";
pub(super) const EXEC_ULIMIT: &str = "exec.meta.ulimit";
pub(super) const EXEC_VALID_EXIT_CODE: &str = "exec.validexitcode";
pub(super) const EXEC_SECRET_ENV: &str = "exec.secretenv";
pub(super) const MOUNT_BIND: &str = "exec.mount.bind";
pub(super) const MOUNT_CACHE: &str = "exec.mount.cache";
pub(super) const MOUNT_CACHE_SHARING: &str = "exec.mount.cache.sharing";
pub(super) const MOUNT_CONTENT_CACHE: &str = "exec.mount.cache.content";
pub(super) const MOUNT_SELECTOR: &str = "exec.mount.selector";
pub(super) const MOUNT_TMPFS: &str = "exec.mount.tmpfs";
pub(super) const MOUNT_TMPFS_SIZE: &str = "exec.mount.tmpfs.size";
pub(super) const MOUNT_SECRET: &str = "exec.mount.secret";
pub(super) const MOUNT_SSH: &str = "exec.mount.ssh";

pub(super) const FILE_BASE: &str = "file.base";
pub(super) const FILE_RM_WILDCARD: &str = "file.rm.wildcard";
pub(super) const FILE_COPY_PATTERNS: &str = "file.copy.includeexcludepatterns";
pub(super) const FILE_COPY_REQUIRED_PATHS: &str = "file.copy.requiredpaths";
pub(super) const FILE_COPY_ALWAYS_REPLACE: &str = "file.copy.alwaysreplaceexistingdestpaths";
pub(super) const FILE_COPY_MODE_STRING: &str = "file.copy.modestring";
pub(super) const FILE_SYMLINK: &str = "file.symlink.create";

pub(super) const MERGE: &str = "mergeop";
pub(super) const DIFF: &str = "diffop";

pub(super) const CONSTRAINTS: &str = "constraints";
pub(super) const PLATFORM: &str = "platform";
pub(super) const META_IGNORE_CACHE: &str = "meta.ignorecache";
pub(super) const META_DESCRIPTION: &str = "meta.description";
pub(super) const META_EXPORT_CACHE: &str = "meta.exportcache";
