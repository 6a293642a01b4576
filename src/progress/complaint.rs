//! The lines of a failed step that point at a line of a file.
//!
//! Enters: what `go` printed, with paths as [`super::golog`] leaves them. Leaves: each
//! `file:line[:column]: text` of a project file once, with the indented lines that go on about it.

/// Ends of the names of files that compilers point at. Without them `127.0.0.1:80: refused` would
/// be one.
const SOURCES: [&str; 13] = [
    ".S", ".c", ".cc", ".cpp", ".cxx", ".go", ".h", ".hpp", ".m", ".mod", ".s", ".sum", ".work",
];

/// What is wrong with a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file, relative to the project.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Byte column, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// Returns the complaints in lines of `go`.
#[must_use]
pub fn complaints(lines: &[String]) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = Vec::new();
    let mut open = false;
    for line in lines {
        if let Some(complaint) = complaint(line) {
            open = !found.contains(&complaint);
            if open {
                found.push(complaint);
            }
        } else if let (true, true, Some(last)) = (open, line.starts_with('\t'), found.last_mut()) {
            last.message.push('\n');
            last.message.push_str(line.trim());
        } else {
            open = false;
        }
    }
    found
}

fn complaint(line: &str) -> Option<Complaint> {
    let (file, rest) = line.split_once(':')?;
    let of_project = !file.starts_with('/') && !file.starts_with("../");
    let is_source = SOURCES.iter().any(|end| file.ends_with(end));
    if !of_project || !is_source || file.contains(char::is_whitespace) {
        return None;
    }
    let (number, rest) = rest.split_once(':')?;
    let number = number.parse().ok().filter(|line| *line > 0)?;
    let column = rest.split_once(':').and_then(|(column, rest)| {
        let column: u32 = column.parse().ok().filter(|column| *column > 0)?;
        Some((column, rest))
    });
    let (column, message) = match column {
        Some((column, message)) => (Some(column), message),
        None => (None, rest),
    };
    Some(Complaint {
        file: file.trim_start_matches("./").to_owned(),
        line: number,
        column,
        message: message.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let found = complaints(&lines);
        let one = |c: &Complaint| format!("{}|{}|{:?}|{}", c.file, c.line, c.column, c.message);
        found.iter().map(one).collect()
    }

    #[test]
    fn what_compilers_say_of_a_line_is_taken() {
        let text = "# example.com/app\n\
            ./main.go:4:6: declared and not used: unused\n\
            a/b.go:5:2: f redeclared in this block\n\
            \ta/c.go:3:6: other declaration of f\n\
            go.mod:7: unknown directive: requir\n\
            asm_amd64.s:9: unrecognized instruction \"X\"\n\
            main.go:4:6: declared and not used: unused\n\
            too many errors\n";
        assert_eq!(
            read(text),
            [
                "main.go|4|Some(6)|declared and not used: unused",
                "a/b.go|5|Some(2)|f redeclared in this block\na/c.go:3:6: other declaration of f",
                "go.mod|7|None|unknown directive: requir",
                "asm_amd64.s|9|None|unrecognized instruction \"X\"",
            ]
        );
    }

    #[test]
    fn what_points_at_no_file_of_the_project_is_left() {
        let text = "dial tcp 127.0.0.1:80: refused\n\
            127.0.0.1:80: refused\n\
            /usr/local/go/src/fmt/print.go:3:1: note\n\
            ../x.go:1:1: outside\n\
            main.go:0:1: nowhere\n\
            main.go: no line\n\
            \t./a.go:1:2: goes on about nothing\n";
        assert!(read(text).is_empty());
    }
}
