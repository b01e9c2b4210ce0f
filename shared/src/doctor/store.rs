//! What to do about a store that cannot be read.

use crate::store::StoreError;

/// What to do next about a store that cannot be read: that of this program, such as `agent`, which is also the section
/// of the configuration that says where it lies.
pub fn advice(error: &StoreError, program: &str) -> String {
    let next = match error {
        StoreError::Full(_) => "free some space on this disk",
        StoreError::Disk(_) => {
            "run this as root or as the service's user; if it persists, look at the disk: dmesg, smartctl -a"
        }
        StoreError::Damaged(_) | StoreError::DamagedRow { .. } => {
            "stop the service, keep a copy of the whole folder, and call whoever runs Millrace; do not delete anything"
        }
        StoreError::Newer { .. } => "install the newer version of Millrace that wrote it",
        StoreError::Older { .. } => "start the service once with this version: it migrates the store",
        StoreError::Foreign(_) => {
            return format!("correct `data` in [{program}]: another program's file lies there");
        }
        StoreError::InUse(_) => return format!("one {program} is enough: stop the other process"),
        StoreError::Misuse(_) => "please report this",
    };
    next.to_owned()
}
