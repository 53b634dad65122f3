import EventSourcing
import Foundation

/// One generation of the bus's journal: a numbered folder below the journal's folder.
public struct JournalGeneration: Sendable {
    /// The folder of all generations, `<home>/journal`.
    let folder: String
    let log: EventID
    let number: UInt64

    var path: String { "\(folder)/\(number)" }
    private var temporaryPath: String { path + Self.temporary }
    private static let temporary = ".new"

    /// The generation's identity, derived from the log's identity and the number. So the journal of
    /// another log is never taken for this one.
    var id: EventID { log.derived("journal/\(number)") }

    var next: JournalGeneration {
        JournalGeneration(folder: folder, log: log, number: number + 1)
    }

    /// Returns the folder of the last generation, without changing anything. It can be verified as
    /// a log.
    ///
    /// - Returns: its path, or nil if `folder` holds no generation.
    /// - Throws: `storage` if the folder can't be read.
    public static func currentPath(in folder: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: folder) else { return nil }
        return try using(folder) { try lastNumber(in: folder) }.map { "\(folder)/\($0)" }
    }

    /// Returns the last generation, and creates the folder if it is missing.
    ///
    /// - Returns: nil if `folder` holds no generation.
    static func last(in folder: String, of log: EventID) throws -> JournalGeneration? {
        try using(folder) {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            return try lastNumber(in: folder).map {
                JournalGeneration(folder: folder, log: log, number: $0)
            }
        }
    }

    /// Returns the highest number of a folder with log files. An empty folder with a higher number
    /// must not replace the journal.
    private static func lastNumber(in folder: String) throws -> UInt64? {
        try numbers(in: folder).filter { number in
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(number)")
            return files.contains { $0 != "lock" }
        }.max()
    }

    private static func numbers(in folder: String) throws -> [UInt64] {
        try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            UInt64(name).flatMap { "\($0)" == name ? $0 : nil }
        }
    }

    /// Removes the generations before this one, and unfinished ones of an earlier process.
    func removeOthers() throws {
        try Self.using(folder) {
            let files = FileManager.default
            for other in try Self.numbers(in: folder) where other < number {
                try files.removeItem(atPath: "\(folder)/\(other)")
            }
            for name in try files.contentsOfDirectory(atPath: folder)
            where name.hasSuffix(Self.temporary) {
                try files.removeItem(atPath: "\(folder)/\(name)")
            }
        }
    }

    private static func using<Value>(_ folder: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw DaybookError(
                .storage,
                "the folder of the bus's journal \(folder) can't be used: "
                    + error.localizedDescription)
        }
    }

    /// Removes the generation's folder, once a later one has replaced it.
    func remove() throws { try FileManager.default.removeItem(atPath: path) }

    /// Starts the generation under a temporary name, so that a crash leaves no half-made journal.
    func begin() throws -> JournalFile {
        try discard()
        return try JournalFile(temporaryPath, id: id)
    }

    /// Removes the folder that `begin` made, if there is one.
    func discard() throws {
        guard FileManager.default.fileExists(atPath: temporaryPath) else { return }
        try FileManager.default.removeItem(atPath: temporaryPath)
    }

    /// Makes the begun generation the journal by an atomic rename, with `rest` as its last commit.
    func finish(with rest: JournalRecord? = nil) throws {
        let file = try JournalFile(temporaryPath, id: id)
        if let rest { _ = try file.append(rest) }
        try file.close()
        try file.move(to: path)
    }
}
