//! The managed daemon's `buildkitd.toml`.
//!
//! Of what fills a disk, compile caches and downloads in mounts can be had again at the cost of
//! time, but a layer that is gone makes every step above it run. So mounts go before layers: rules
//! hold for the whole cache, and are worked through in their order. BuildKit's own rules begin with
//! mounts that nobody used for two days, once the cache is over 512 MB: every weekend would empty
//! them.
//!
//! Source: BuildKit `docs/buildkitd.toml.md`, `cmd/buildkitd/config/gcpolicy.go`, `cache/manager.go`
//! (`prune`).

/// Steps share the host's network: the managed daemon serves the one user who started it.
pub(super) const TEXT: &str = "\
# Written once by gobuild; edit it freely and run `gobuild builder stop`.
# All keys: BuildKit's docs/buildkitd.toml.md.
[worker.oci]
  enabled = true
  networkMode = \"host\"
  gc = true

# Mounts and sources that nobody used for a week, once the whole cache is over 10 GB.
[[worker.oci.gcpolicy]]
  filters = [\"type==source.local\", \"type==exec.cachemount\", \"type==source.git.checkout\"]
  keepDuration = \"168h\"
  maxUsedSpace = 10000000000

# Any of them, before a layer has to go.
[[worker.oci.gcpolicy]]
  filters = [\"type==source.local\", \"type==exec.cachemount\", \"type==source.git.checkout\"]
  reservedSpace = 5000000000
  maxUsedSpace = \"40%\"
  minFreeSpace = \"15%\"

# Layers that nobody used for two months, once the whole cache is over 10 GB.
[[worker.oci.gcpolicy]]
  keepDuration = \"1440h\"
  maxUsedSpace = 10000000000

# Layers, the least used first.
[[worker.oci.gcpolicy]]
  reservedSpace = 5000000000
  maxUsedSpace = \"50%\"
  minFreeSpace = \"10%\"

# What the daemon itself needs, at last.
[[worker.oci.gcpolicy]]
  all = true
  reservedSpace = 5000000000
  maxUsedSpace = \"50%\"
  minFreeSpace = \"10%\"

[worker.containerd]
  enabled = false
";
