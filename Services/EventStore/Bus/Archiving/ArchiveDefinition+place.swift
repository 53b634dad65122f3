import EventArchive
import EventSourcing
import Foundation
import ObjectStorage
import WireProtocol

extension ArchiveDefinition {
    /// Its place, with the credentials of this process.
    ///
    /// - Parameter mayMakeFolder: if not, a folder that is not there is an error: what it is
    ///   mounted on may not be there yet.
    func openPlace(mayMakeFolder: Bool) throws -> any ObjectStorage {
        let place = try StoragePlace(place)
        if case .folder(let path) = place {
            guard path.hasPrefix("/") else {
                throw DaybookError(.invalid, "an archive's folder is named from / on, not '\(path)'")
            }
            guard mayMakeFolder || FileManager.default.fileExists(atPath: path) else {
                throw ObjectStorageError.unavailable("there is no folder \(path)")
            }
        }
        return try place.open(
            environment: ProcessInfo.processInfo.environment, endpoint: endpoint)
    }

    /// Makes the archive in its place, empty.
    ///
    /// - Throws: `Refusal` if that can't be, or there is one that has something.
    func make(of log: EventID) async throws {
        do {
            let storage = try openPlace(mayMakeFolder: true)
            let writer = try await ArchiveWriter(in: storage, name: name, log: log)
            guard writer.checkpoint < writer.manifest.from, writer.manifest.from == 1 else {
                throw DaybookError(
                    .rejected, "\(place) has an archive '\(name)' already, up to position "
                        + "\(writer.checkpoint); choose another name, or another place")
            }
        } catch let error as ArchiveError {
            throw DaybookError(.rejected, error.description)
        } catch let error as ObjectStorageError {
            throw DaybookError(.rejected, error.description)
        }
    }

    /// The rule that it stands for: what it matches, and no replay brings again, goes to it.
    var rule: RuleDefinition {
        let first = #""replay-name":[{"exists":false}]"#
        let fields = (pattern ?? "{}").drop { $0 != "{" }.dropFirst()
        let separator = pattern == nil ? "" : ","
        return RuleDefinition(
            name: Self.rulePrefix + name, description: "what archive \(name) gets",
            pattern: "{\(first)\(separator)\(fields)", targets: ["archive:\(name)"])
    }

    static let rulePrefix = "archive-"
}
