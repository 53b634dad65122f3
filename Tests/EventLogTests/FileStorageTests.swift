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
            #expect(throws: LogError.self) { try FileStorage(folder: folder) }
        }
        let again = try open(FileStorage(folder: folder))
        #expect(try again.all().map(\.id.low) == (1...50).map { UInt64($0) })
    }
}
