import Foundation

/// Makes every file, folder and socket that the process creates from now on accessible to its own
/// user only.
///
/// The log and the read models hold everyone's data, and anyone who can connect to a local socket
/// may send commands.
public func makeNewFilesPrivate() { _ = umask(0o077) }

/// Returns a warning if other users may enter or read the process's own folder, or nil.
///
/// The mode of an existing folder stays as it is, because its owner may have chosen it. A folder of
/// another owner, such as a container's mount point, is not the process's to protect.
public func accessWarning(for folder: String) -> String? {
    let path = URL(filePath: folder).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
        attributes[.type] as? FileAttributeType == .typeDirectory,
        let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0,
        attributes[.ownerAccountID] as? Int == Int(geteuid())
    else { return nil }
    return "other users have access to \(folder) (mode \(String(mode, radix: 8))); "
        + "run: chmod -R go= \(folder)"
}
