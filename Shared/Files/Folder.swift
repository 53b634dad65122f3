import Glibc

/// The entries of folders: what the system calls on paths do.
public enum Folder {
    /// Creates the folder at `path`, if it does not exist. Only its owner may enter a new one. Its
    /// parent must exist.
    public static func make(_ path: String) throws(SystemError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError() }
    }

    /// Creates the folder at `path` and its parents, as far as they do not exist.
    ///
    /// Returns those that it has created, the innermost first, for ``removeEmpty(_:)``.
    public static func makeWithParents(_ path: String) throws(SystemError) -> [String] {
        var missing: [String] = []
        var rest = path[...]
        while true {
            while rest.last == "/" { rest.removeLast() }
            guard !rest.isEmpty, try status(of: String(rest)) == nil else { break }
            missing.append(String(rest))
            rest = rest[..<(rest.lastIndex(of: "/") ?? rest.startIndex)]
        }
        for (index, folder) in missing.enumerated().reversed() {
            do {
                try make(folder)
            } catch {
                removeEmpty(Array(missing[(index + 1)...]))
                throw error
            }
        }
        return missing
    }

    /// Removes the folders in this order, until one is not empty or can't be removed.
    public static func removeEmpty(_ folders: [String]) {
        for folder in folders {
            guard unsafe rmdir(folder) == 0 else { return }
        }
    }

    /// Returns the names of the entries of a folder, without `.` and `..`, in no order.
    public static func names(in path: String) throws(SystemError) -> [String] {
        guard let directory = unsafe opendir(path) else { throw SystemError() }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while true {
            // Only errno tells the end of the folder from a failure.
            errno = 0
            guard let entry = unsafe readdir(directory) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw SystemError() }
        return names
    }

    /// Returns the status of the file or folder at `path`, or nil if nothing can be there.
    ///
    /// A link leads to its target. A circle of links leads to nothing.
    public static func status(of path: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let error = SystemError()
            if error.isNotFound || error.code == ELOOP { return nil }
            throw error
        }
        return FileStatus(status)
    }

    /// Returns where the path leads, without links and `..`. Its last parts need not exist.
    ///
    /// Returns nil if a missing part is a link to nothing, or is followed by `..`.
    public static func target(of path: String) throws(SystemError) -> String? {
        var parts = path.split(separator: "/").filter { $0 != "." }
        var missing: [Substring] = []
        while true {
            let known = "/" + parts.joined(separator: "/")
            if let resolved = unsafe realpath(known, nil) {
                defer { unsafe free(resolved) }
                let base = unsafe String(cString: resolved)
                guard !missing.contains("..") else { return nil }
                let start = base == "/" && !missing.isEmpty ? "" : base
                return ([start[...]] + missing.reversed()).joined(separator: "/")
            }
            let error = SystemError()
            guard error.isNotFound, let last = parts.popLast() else { throw error }
            var status = stat()
            if unsafe lstat(known, &status) == 0 { return nil }
            missing.append(last)
        }
    }

    /// Returns the space of the file system at `path` that is left for this process, in bytes.
    public static func freeBytes(at path: String) throws(SystemError) -> Int {
        var status = statvfs()
        try SystemError.check(unsafe statvfs(path, &status))
        let (bytes, isOver) = status.f_bavail.multipliedReportingOverflow(by: status.f_frsize)
        return isOver ? .max : Int(clamping: bytes)
    }

    /// Renames a file or folder in one atomic step, replacing a file of the new name.
    ///
    /// The rename is durable after a sync of the folder.
    public static func rename(_ path: String, to newPath: String) throws(SystemError) {
        try SystemError.check(unsafe Glibc.rename(path, newPath))
    }

    /// Removes a file. The removal is durable after a sync of the folder.
    public static func remove(_ path: String) throws(SystemError) {
        try SystemError.check(unsafe unlink(path))
    }

    /// Makes created, renamed and removed entries of the folder durable.
    public static func sync(_ path: String) throws(SystemError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try SystemError.check(descriptor)
        defer { _ = close(descriptor) }
        try SystemError.check(fsync(descriptor))
    }
}
