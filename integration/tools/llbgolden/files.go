package main

import (
	"time"

	"github.com/moby/buildkit/client/llb"
)

func fileCases() []goldenCase {
	at := llb.WithCreatedTime(time.Unix(1700000000, 0))
	epoch := llb.WithCreatedTime(time.Unix(0, 0))
	named := llb.ChownOpt{User: &llb.UserOpt{Name: "nobody"}, Group: &llb.UserOpt{Name: "nogroup"}}
	userOnly := llb.ChownOpt{User: &llb.UserOpt{UID: 7}}
	return []goldenCase{
		{"file_mkfile", llb.Scratch().File(llb.Mkfile("/hello", 0o644, []byte("hello\n")))},
		{"file_chain", llb.Scratch().File(
			llb.Mkdir("/a/b", 0o755, llb.WithParents(true), llb.WithUIDGID(1, 2), at).
				Mkfile("a/./b/../c", 0o7644, nil, llb.WithUIDGID(0, 0), epoch).
				Symlink("../c", "/a/link", userOnly, at).
				Symlink("c", "/a/plain").
				Mkdir("/d", 0o700).
				Rm("/a/c").
				Rm("/x/*", llb.WithAllowNotFound(true), llb.WithAllowWildcard(true)),
		)},
		{"file_named_owner", image().File(
			llb.Mkdir("/home/nobody", 0o700, named).
				Copy(tools(), "/etc/hosts", "/home/nobody/", named),
		)},
		{"file_copy", image().File(llb.Copy(llb.Scratch(), "/", "/"))},
		{"file_copy_options", image().File(
			llb.Copy(tools(), "src/./app/", "/dest/.", &llb.CopyInfo{
				Mode:                           &llb.ChmodOpt{Mode: 0o4755},
				FollowSymlinks:                 true,
				CopyDirContentsOnly:            true,
				IncludePatterns:                []string{"**/*.go", "go.mod"},
				ExcludePatterns:                []string{"**/*_test.go"},
				RequiredPaths:                  []string{"go.mod"},
				AttemptUnpack:                  true,
				CreateDestPath:                 true,
				AllowWildcard:                  true,
				AllowEmptyWildcard:             true,
				AlwaysReplaceExistingDestPaths: true,
				ChownOpt:                       &llb.ChownOpt{User: &llb.UserOpt{UID: 65532}, Group: &llb.UserOpt{UID: 65532}},
			}, epoch).
				Copy(image(), "/etc/passwd", "etc/", llb.ChmodOpt{ModeStr: "u+x,go=r"}, at).
				Copy(tools(), "/again", "/again", llb.ChmodOpt{Mode: 0}),
		)},
	}
}
