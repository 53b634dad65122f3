import Foundation

/// A folder that is removed with this object.
final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "archive-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
