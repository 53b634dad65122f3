/// The files of a log: a folder, or something that behaves like one.
///
/// Any thread may use it, but only one at a time may write to, rename or remove a given file. A
/// write is durable once `sync` of its file has returned. Creating, renaming and removing a file
/// are durable when they return.
public protocol LogStorage: AnyObject, Sendable {
    /// Lists the names of the files in order.
    func names() throws(LogError) -> [String]
    /// Returns the size of the file in bytes.
    func size(of name: String) throws(LogError) -> Int
    /// Creates a file of `size` zeros, replacing any other of that name.
    func create(_ name: String, size: Int) throws(LogError)
    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    func read(_ name: String, at offset: Int, count: Int) throws(LogError) -> [UInt8]
    /// Writes the bytes at `offset`. The file grows if they end after it.
    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(LogError)
    /// Makes all writes to the file durable.
    func sync(_ name: String) throws(LogError)
    /// Renames the file in one atomic step, replacing any other of the new name.
    func rename(_ name: String, to newName: String) throws(LogError)
    /// Removes the file.
    func remove(_ name: String) throws(LogError)
    /// Returns the space that is left for new files, in bytes. The default is no limit.
    func freeBytes() throws(LogError) -> Int
}

extension LogStorage {
    /// Returns that there is no limit.
    public func freeBytes() -> Int { .max }

    /// Returns the content of the file.
    func contents(of name: String) throws(LogError) -> [UInt8] {
        try read(name, at: 0, count: try size(of: name))
    }

    func has(_ name: String) throws(LogError) -> Bool { try names().contains(name) }

    func removeIfPresent(_ name: String) throws(LogError) {
        if try has(name) { try remove(name) }
    }

    /// Writes the whole file in one atomic step: it gets its name once it is on disk.
    func put(_ name: String, _ bytes: Span<UInt8>) throws(LogError) {
        let temporary = name + ".new"
        try create(temporary, size: 0)
        try write(temporary, bytes, at: 0)
        try sync(temporary)
        try rename(temporary, to: name)
    }
}
