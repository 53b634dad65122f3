import EventSourcing
public import Foundation
public import ZeroMQ

/// The file of one secret key, which its owner alone may read.
public enum KeyFile {
    private static let heading = "# Daybook: the secret key of "

    /// Makes the file.
    ///
    /// - Throws: `DaybookError` if it can't be made, or is there already.
    public static func write(_ pair: CurveKeyPair, of name: String, to file: URL) throws {
        let text = heading + name + "\n" + pair.secret + "\n"
        // Never there with other rights, not even for a moment.
        let mask = umask(0o077)
        defer { umask(mask) }
        do {
            try Data(text.utf8).write(to: file, options: .withoutOverwriting)
        } catch {
            throw DaybookError(.invalid, "the key \(file.path) can't be made; is there one already?")
        }
    }

    /// - Throws: `DaybookError` that names the file, but nothing of what is in it.
    public static func read(_ file: URL) throws -> CurveKeyPair {
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw DaybookError(.invalid, "the key \(file.path) can't be read")
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        let mode = (attributes[.posixPermissions] as? Int) ?? 0
        guard mode & 0o077 == 0 else {
            throw DaybookError(
                .invalid, "the key \(file.path) may be read by others than its owner: chmod 600 it")
        }
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let secret = lines.first(where: { !$0.hasPrefix("#") }),
            let pair = CurveKeyPair(secret: String(secret))
        else { throw DaybookError(.invalid, "\(file.path) is no key of 'event-store keys new'") }
        return pair
    }
}
