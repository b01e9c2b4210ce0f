//! Who gives an order: the name of the user of the process, as the system vouches for it.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// The name of a user, as in passwd(5); its number where the name stands elsewhere.
pub fn name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid {uid}"))
}

/// The user of this process.
pub fn own() -> String {
    // The owner of a process's folder is its effective user: proc(5).
    match fs::metadata("/proc/self") {
        Ok(folder) => name(folder.uid()),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_and_strangers_numbers() {
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_000), "uid 4000000000");
    }
}
