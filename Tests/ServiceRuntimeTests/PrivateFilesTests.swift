import Foundation
import ServiceRuntime
import Testing

@Suite struct `Privacy of files` {
    @Test func `Warning names a folder of the process's user that others have access to`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        #expect(accessWarning(for: folder) == nil)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(accessWarning(for: folder) == nil)
        for (mode, text) in [(0o755, "755"), (0o710, "710"), (0o701, "701")] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
            let warning = accessWarning(for: folder) ?? ""
            #expect(warning.contains("\(folder) (mode \(text))"), "\(warning)")
            #expect(warning.contains("chmod -R go= \(folder)"), "\(warning)")
        }
    }
}
