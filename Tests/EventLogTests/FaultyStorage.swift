import EventLog

/// A folder in memory that fails on request and loses unsynced writes in a simulated crash.
///
/// Not thread-safe, because the logs of these tests do all their work on one thread.
final class FaultyStorage: LogStorage, @unchecked Sendable {
    private struct File {
        var bytes: [UInt8]
        /// The writes since the last sync, in order.
        var unsynced: [(offset: Int, bytes: [UInt8])] = []
        var synced: [UInt8]
    }

    private static let sector = 512

    private var files: [String: File] = [:]
    /// How many changes succeed before all later ones fail, or nil for no limit.
    var changesLeft: Int?
    private(set) var changes = 0
    /// The number of reads from segments.
    private(set) var segmentReads = 0
    /// How many calls succeed before one fails, or nil for no limit. Later calls succeed again.
    var callsBeforeFailure: Int?

    /// The space that is left, in bytes. A file that needs more is cut.
    var free = Int.max

    func freeBytes() -> Int { free }

    /// After this throws, every change fails, as if the machine were down.
    private func change(_ operation: String, _ name: String) throws(LogError) {
        try call(operation, name)
        if let left = changesLeft {
            guard left > 0 else { throw LogError.storage(operation, name, reason: "injected") }
            changesLeft = left - 1
        }
        changes += 1
    }

    private func call(_ operation: String, _ name: String) throws(LogError) {
        guard let left = callsBeforeFailure else { return }
        callsBeforeFailure = left > 0 ? left - 1 : nil
        guard left > 0 else { throw LogError.storage(operation, name, reason: "injected once") }
    }

    func names() -> [String] { files.keys.sorted() }

    func size(of name: String) throws(LogError) -> Int {
        try call("look at", name)
        return try file(name).bytes.count
    }

    func create(_ name: String, size: Int) throws(LogError) {
        try change("create", name)
        let zeros = [UInt8](repeating: 0, count: min(size, free))
        files[name] = File(bytes: zeros, synced: zeros)
        guard size <= free else { throw .storage("create", name, reason: "no space") }
    }

    func read(_ name: String, at offset: Int, count: Int) throws(LogError) -> [UInt8] {
        try call("read", name)
        if name.hasSuffix(".segment") { segmentReads += 1 }
        return Array(try file(name).bytes.dropFirst(offset).prefix(count))
    }

    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(LogError) {
        var array: [UInt8] = []
        for index in bytes.indices { array.append(bytes[index]) }
        var file = try file(name)
        let end = offset + array.count
        if end > file.bytes.count {
            file.bytes.append(contentsOf: repeatElement(0, count: end - file.bytes.count))
        }
        file.bytes.replaceSubrange(offset..<end, with: array)
        file.unsynced.append((offset, array))
        // A failed write may have reached the disk in part. `crashed` decides what survives of it.
        files[name] = file
        try change("write", name)
    }

    func sync(_ name: String) throws(LogError) {
        try change("sync", name)
        var file = try file(name)
        file.synced = file.bytes
        file.unsynced = []
        files[name] = file
    }

    func rename(_ name: String, to newName: String) throws(LogError) {
        try change("rename", name)
        files[newName] = try file(name)
        files[name] = nil
    }

    func remove(_ name: String) throws(LogError) {
        try change("remove", name)
        files[name] = nil
    }

    private func file(_ name: String) throws(LogError) -> File {
        guard let file = files[name] else {
            throw LogError.storage("open", name, reason: "not there")
        }
        return file
    }

    /// The disk after a power failure: all synced bytes, and the unsynced sectors for which
    /// `survives` returns true.
    func crashed(_ survives: () -> Bool) -> FaultyStorage {
        let after = FaultyStorage()
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            var bytes = file.synced
            for write in file.unsynced {
                var at = write.offset
                while at < write.offset + write.bytes.count {
                    let next = min(
                        (at / Self.sector + 1) * Self.sector, write.offset + write.bytes.count)
                    if survives() {
                        if next > bytes.count {
                            bytes.append(contentsOf: repeatElement(0, count: next - bytes.count))
                        }
                        let part = write.bytes[at - write.offset..<next - write.offset]
                        bytes.replaceSubrange(at..<next, with: part)
                    }
                    at = next
                }
            }
            after.files[name] = File(bytes: bytes, synced: bytes)
        }
        return after
    }

    func flip(_ name: String, at offset: Int) { files[name]?.bytes[offset] ^= 0x20 }
}
