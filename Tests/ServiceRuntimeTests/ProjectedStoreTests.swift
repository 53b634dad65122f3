import EventSourcing
import Foundation
import GRDB
import Testing

@testable import ServiceRuntime

@Suite struct `Database files` {
    private static let log = EventID(high: 1, low: 2)
    private let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"

    private func open(_ path: String? = nil) throws -> ProjectedStore? {
        try ProjectedStore.open(path ?? self.path, version: 1, log: Self.log) { db in
            try db.execute(sql: "CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT)")
        }
    }

    /// A closed file of many pages.
    private func fill() async throws -> Data {
        let store = try #require(try open())
        try await store.commit(
            [
                { db in
                    for id in 1...500 {
                        try db.execute(
                            sql: "INSERT INTO entry VALUES (?, ?)",
                            arguments: [id, String(repeating: "text \(id) ", count: 40)])
                    }
                }
            ], checkpoint: 9)
        try store.close()
        return try Data(contentsOf: URL(filePath: path))
    }

    private func write(_ bytes: Data) throws {
        try ProjectedStore.remove(path)
        try bytes.write(to: URL(filePath: path))
    }

    /// Opens the file and reads all of it.
    private func use() async throws {
        let store = try #require(try open())
        _ = try await store.read {
            try String.fetchAll($0, sql: "SELECT text FROM entry ORDER BY id")
        }
        try store.close()
    }

    enum Damage: CaseIterable {
        case garbage, text, header, halved, zeroedPages, otherPages, schema
    }

    @Test(arguments: Damage.allCases)
    func `Error of a damaged file names the file and the remedy`(damage: Damage) async throws {
        var bytes = try await fill()
        let pages = 4096..<bytes.count
        switch damage {
        case .garbage: bytes = Data((0..<9_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ 0x5A) })
        case .text: bytes = Data("this is no database\n".utf8)
        case .header: bytes[0] ^= 0x20
        case .halved: bytes = bytes.prefix(bytes.count / 2)
        case .zeroedPages: bytes.resetBytes(in: pages)
        case .otherPages: for index in pages { bytes[index] ^= 0xA5 }
        case .schema: bytes.resetBytes(in: 100..<4096)
        }
        try write(bytes)
        let error = await #expect(throws: DaybookError.self) { try await use() }
        #expect(error?.kind == .damaged)
        let text = error?.description ?? ""
        #expect(text.hasPrefix(path) && text.contains("remove it"), "\(text)")
        #expect(!text.contains("\n") && !text.contains("SELECT"), "\(text)")
        try ProjectedStore.remove(path)
    }

    @Test(arguments: [
        "DELETE FROM daybook", "UPDATE daybook SET checkpoint = -1",
        "UPDATE daybook SET checkpoint = 'x'", "UPDATE daybook SET version = 'x'",
        "UPDATE daybook SET log = NULL",
        "UPDATE daybook SET log = '00000000-0000-0000-0000-000000000009'",
        "DROP TABLE daybook",
    ])
    func `Error of a file with invalid metadata names the file`(sql: String) async throws {
        _ = try await fill()
        try await DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
        let error = #expect(throws: DaybookError.self) { try open() }
        #expect(error?.kind == .damaged)
        #expect(error?.description.hasPrefix(path) == true)
        #expect(error?.description.contains("remove it") == true)
        try ProjectedStore.remove(path)
    }

    @Test func `Empty file is initialized like a missing one`() async throws {
        try write(Data())
        let store = try #require(try open())
        #expect(store.checkpoint == 0)
        try store.close()
        try ProjectedStore.remove(path)
    }

    @Test func `Unreachable file is named in an error of kind storage`() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        // The first path is a folder, and the folder of the second one does not exist.
        for unreachable in [path, "\(path)/none/a.sqlite"] {
            let error = #expect(throws: DaybookError.self) { try open(unreachable) }
            #expect(error?.kind == .storage)
            #expect(error?.description.hasPrefix(unreachable) == true)
        }
    }

    @Test func `Damage that a read finds is reported to the reader and to the owner`() async throws
    {
        let bytes = try await fill()
        let store = try #require(try open())
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: bytes.count - 4096))
        let error = await #expect(throws: DaybookError.self) {
            _ = try await store.read { try String.fetchAll($0, sql: "SELECT text FROM entry") }
        }
        #expect(error?.kind == .damaged)
        #expect(error?.description.hasPrefix(path) == true)
        var failures = store.failures.makeAsyncIterator()
        #expect(await failures.next().map { DaybookError.Kind(of: $0) } == .damaged)
        try ProjectedStore.remove(path)
    }
}
