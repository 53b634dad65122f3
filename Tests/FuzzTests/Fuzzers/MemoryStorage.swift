import EventLog
import Synchronization

/// A log's files in memory.
final class MemoryStorage: LogStorage {
    private let files: Mutex<[String: [UInt8]]>

    init(_ files: [String: [UInt8]] = [:]) { self.files = Mutex(files) }

    var contents: [String: [UInt8]] { files.withLock { $0 } }

    func names() throws(LogError) -> [String] { Array(contents.keys) }

    func size(of name: String) throws(LogError) -> Int { try file(name).count }

    func create(_ name: String, size: Int) throws(LogError) {
        files.withLock { $0[name] = Array(repeating: 0, count: size) }
    }

    func read(_ name: String, at offset: Int, count: Int) throws(LogError) -> [UInt8] {
        Array(try file(name).dropFirst(offset).prefix(count))
    }

    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(LogError) {
        var file = try file(name)
        let missing = offset + bytes.count - file.count
        if missing > 0 { file.append(contentsOf: repeatElement(0, count: missing)) }
        for index in bytes.indices { file[offset + index] = bytes[index] }
        files.withLock { $0[name] = file }
    }

    func sync(_ name: String) throws(LogError) {}

    func rename(_ name: String, to newName: String) throws(LogError) {
        let file = try file(name)
        files.withLock {
            $0[name] = nil
            $0[newName] = file
        }
    }

    func remove(_ name: String) throws(LogError) {
        _ = files.withLock { $0.removeValue(forKey: name) }
    }

    private func file(_ name: String) throws(LogError) -> [UInt8] {
        guard let file = contents[name] else {
            throw LogError.storage("find", name, reason: "there is no such file")
        }
        return file
    }
}
