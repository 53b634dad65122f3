import EventSourcing
import Files
import Foundation

extension LogRestoration {
    /// Restores the log in a folder, or creates it there if it is missing.
    ///
    /// A missing log is written beside the folder and moved there when it is complete.
    ///
    /// - Parameters:
    ///   - archive: the archived events.
    ///   - isDryRun: whether to report only, and change nothing.
    ///   - progress: called with the step, and how much of it is done, and how much there is.
    /// - Throws: `invalid` if the log can't be restored or the folder is a link to nothing,
    ///   `LogError` if the folder can't be used or another process has locked it, or the error of
    ///   the archive.
    public init<Events>(
        in folder: String, from archive: ArchivedLog<Events>, isDryRun: Bool,
        progress: (_ step: Step, _ done: Int, _ all: Int) -> Void
    ) async throws {
        let files = FileManager.default
        // The log may be a link to another disk, where the new folder must be, too.
        let folder = try Self.target(of: folder)
        guard !isDryRun else {
            let present = try FileStorage(reading: folder)
            try await self.init(of: present, from: archive, isDryRun: true, progress: progress)
            return
        }
        let present =
            files.fileExists(atPath: folder) ? try FileStorage(folder: folder) : nil
        // Holds the lock to the end, so that no store creates a log in the folder meanwhile.
        defer { withExtendedLifetime(present) {} }
        if let present, try !present.names().isEmpty {
            try await self.init(of: present, from: archive, progress: progress)
            return
        }
        let beside = folder + ".restoring"
        let parent = URL(filePath: folder).deletingLastPathComponent().path
        let made: [String]
        do throws(SystemError) {
            made = try Folder.makeWithParents(parent)
        } catch {
            throw DaybookError(.storage, "can't create \(parent): \(error)")
        }
        let storage: FileStorage
        do {
            storage = try FileStorage(folder: beside)
        } catch {
            // Another restoration may be under way there, so its files stay.
            Folder.removeEmpty(made)
            throw error
        }
        defer { withExtendedLifetime(storage) {} }
        do {
            // A restoration that was killed has left files.
            for name in try storage.names() { try storage.remove(name) }
            try await self.init(of: storage, from: archive, progress: progress)
            try storage.move(to: folder)
        } catch {
            if files.fileExists(atPath: beside) { try files.removeItem(atPath: beside) }
            Folder.removeEmpty(made)
            throw error
        }
    }

    private static func target(of folder: String) throws -> String {
        let working = FileManager.default.currentDirectoryPath
        let path = folder.hasPrefix("/") ? folder : "\(working)/\(folder)"
        do throws(SystemError) {
            if let target = try Folder.target(of: path) { return target }
        } catch {
            throw DaybookError(.storage, "can't look at \(folder): \(error)")
        }
        throw DaybookError(
            .invalid, "\(folder) is a link to a folder that does not exist; create the folder")
    }
}
