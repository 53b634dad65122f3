import ArgumentParser
import CommandLine
import EventSourcing
import Foundation
import Keys
import Observability
import WireProtocol
import ZeroMQ

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage the keys that identify processes and people over TCP.",
        discussion: """
            Each process and each person reads its own secret key from the file DAYBOOK_KEY, and \
            everyone's public keys from the file DAYBOOK_KEYRING.
            """,
        subcommands: [New.self, List.self, Revoke.self])

    struct Options: ParsableArguments {
        @Option(
            help: """
                The file of all public keys (DAYBOOK_KEYRING, default: <home>/keys/keyring.json).
                """)
        var keyring: String?

        @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
        var home = Endpoints.home

        @Flag(help: "Print JSON.") var json = false

        var file: URL {
            URL(
                filePath: keyring ?? Endpoints.environment("DAYBOOK_KEYRING")
                    ?? "\(home)/keys/keyring.json")
        }
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create keys, each in its own file beside the keyring.",
            discussion: """
                A key named after one of the suite's processes may do what the process needs. Any \
                other key is an operator's: it may read everything, send commands to all services \
                and administer, but not append. Permission options replace these defaults: the \
                key may do what they say, and read.
                """)
        @OptionGroup var options: Options
        @OptionGroup var given: GivenPermissions
        @Argument(help: "The names of processes, such as event-store or orders, or of operators.")
        var names: [String]

        func run() async throws {
            let permissions = given.permissions
            for name in names { try NameCheck.check(name) }
            let folder = options.file.deletingLastPathComponent()
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            var keyring =
                FileManager.default.fileExists(atPath: options.file.path)
                ? try Keyring(options.file) : Keyring()
            let pairs = try names.map { ($0, try CurveKeyPair.generate()) }
            for (name, pair) in pairs {
                try keyring.add(name, pair.publicKey, at: .now(), permissions)
            }
            for (name, pair) in pairs {
                try KeyFile.write(pair, of: name, to: folder.appending(path: "\(name).key"))
            }
            try keyring.write(to: options.file)
            if options.json { return try Output.json(keyring) }
            for name in names { print("\(name): \(folder.path)/\(name).key") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys.")
        @OptionGroup var options: Options

        func run() async throws {
            let keyring = try Keyring(options.file)
            if options.json { return try Output.json(keyring) }
            Output.table(
                [
                    "name", "public key", "made", "revoked", "appends to", "reads", "commands",
                    "administers",
                ],
                keyring.keys.map { key in
                    let permissions = key.effectivePermissions
                    let lists = [permissions.append, permissions.read, permissions.commands].map {
                        $0.isEmpty ? "-" : $0.joined(separator: " ")
                    }
                    return [
                        key.name, key.publicKey, "\(key.createdAt)",
                        key.revokedAt.map { "\($0)" } ?? "-",
                    ] + lists + [permissions.administers ? "yes" : "no"]
                })
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key, so that no process admits it any more.")
        @OptionGroup var options: Options
        @Argument(help: "The name of the key.") var name: String

        func run() async throws {
            var keyring = try Keyring(options.file)
            try keyring.revoke(name, at: .now())
            try keyring.write(to: options.file)
            if options.json {
                try Output.json(keyring)
            } else {
                print("revoked the key of \(name)")
            }
        }
    }
}

/// Options that set the permissions of a new key.
struct GivenPermissions: ParsableArguments {
    @Option(help: "A category of streams that the key may append to, or '*'; may be repeated.")
    var append: [String] = []

    @Option(help: "A category of events that the key may read, instead of all; may be repeated.")
    var read: [String] = []

    @Option(help: "A service that the key may send commands to, or '*'; may be repeated.")
    var command: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: "Whether the key may change rules, queues, dead letters, archives and replays.")
    var admin: Bool?

    /// The permissions that the options set; nil if no option is given.
    var permissions: Permissions? {
        guard admin != nil || !(append + read + command).isEmpty else { return nil }
        return Permissions(
            append: append, read: read.isEmpty ? [Permissions.any] : read, commands: command,
            administers: admin ?? false)
    }

    func validate() throws {
        for name in append + read + command where name != Permissions.any {
            guard (try? StreamName(category: name, id: "1")) != nil else {
                throw ValidationError("'\(name)' is not a category, a service or '*'")
            }
        }
    }
}

/// The rule for the name of a key, which becomes the name of a file and appears in logs.
private enum NameCheck {
    static func check(_ name: String) throws {
        let allowed = name.utf8.allSatisfy { byte in
            byte.isLetterOrDigit
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard allowed, name.first?.isLetter == true, name.utf8.count <= 64 else {
            throw ValidationError(
                "'\(name)' can't name a key: use a letter, then up to 63 letters, digits, "
                    + "'-', '_' and '.'")
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
