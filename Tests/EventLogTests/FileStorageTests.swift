import EventLog
import EventSourcing
import Foundation
import Testing

@Suite struct `Log in a folder` {
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString

    @Test func `Folder keeps its log for the next process and rejects a second writer`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            var log = try open(FileStorage(folder: folder))
            for number in 1...50 { try log.stage([event(number)]) }
            try log.commit()
            #expect(throws: LogError.locked(folder)) { try FileStorage(folder: folder) }
        }
        let again = try open(FileStorage(folder: folder))
        #expect(throws: LogError.locked(folder)) { try FileStorage(reading: folder) }
        #expect(try again.all().map(\.id.low) == (1...50).map { UInt64($0) })
    }

    @Test func `Log is verified without a write to its folder`() throws {
        let files = FileManager.default
        defer {
            try? files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            try? files.removeItem(atPath: folder)
        }
        do {
            var log = try filled(FileStorage(folder: folder))
            try log.close()
        }
        let names = try files.contentsOfDirectory(atPath: folder)
        func status() throws -> [String] {
            try names.sorted().map {
                let found = try files.attributesOfItem(atPath: "\(folder)/\($0)")
                return "\($0) \(found[.size] ?? "") \(found[.modificationDate] ?? "")"
            }
        }
        let before = try status()
        // Without the lock, as in a copy, and with it.
        for hasLock in [true, false] {
            if !hasLock { try files.removeItem(atPath: folder + "/lock") }
            for name in names where hasLock || name != "lock" {
                try files.setAttributes(
                    [.posixPermissions: 0o444], ofItemAtPath: "\(folder)/\(name)")
            }
            try files.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder)
            let storage = try FileStorage(reading: folder)
            let found = try LogVerification(of: storage)
            #expect(found.faults.isEmpty && found.head == 60)
            for change in [
                { try storage.create("x", size: 0) }, { try storage.remove(names[0]) },
                { try storage.rename(names[0], to: "x") },
                { try storage.write(names[0], [1].span, at: 0) },
            ] as [() throws -> Void] {
                #expect(throws: LogError.self) { try change() }
            }
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            #expect(
                try files.contentsOfDirectory(atPath: folder).sorted()
                    == names.filter { hasLock || $0 != "lock" }.sorted())
            if hasLock { #expect(try status() == before) }
        }
        #expect(try FileStorage(reading: folder + "/none").names().isEmpty)
    }

    @Test func `Lock that can't be opened is an error of the storage, and no other process's`()
        throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: folder + "/lock", withIntermediateDirectories: true)
        let error = #expect(throws: LogError.self) { try FileStorage(folder: folder) }
        #expect(error?.kind == .storage)
    }
}
