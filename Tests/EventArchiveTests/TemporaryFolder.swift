import Foundation

/// Removed with this.
final class TemporaryFolder {
    let path = NSTemporaryDirectory() + "archive-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
