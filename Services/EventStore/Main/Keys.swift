import ArgumentParser
import CommandLine
import EventSourcing
import Foundation
import Keys
import WireProtocol
import ZeroMQ

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The keys by which processes and people know each other over TCP.",
        discussion: """
            Each process is told its own key by DAYBOOK_KEY, and who the others are by \
            DAYBOOK_KEYRING. Whoever calls them needs a key, too.
            """,
        subcommands: [New.self, List.self, Revoke.self])

    struct Options: ParsableArguments {
        @Option(help: "The file of all public keys (DAYBOOK_KEYRING); <home>/keys/keyring.json.")
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
            abstract: "Make keys, each in a file of its own beside the keyring.",
            discussion: """
                The keys of the suite's processes may do what these need; any other is that of who \
                operates: it may read everything, send commands to all services and administer, \
                but not append. One for which any of this is said may do what is said, and read.
                """)
        @OptionGroup var options: Options
        @OptionGroup var given: GivenPermissions
        @Argument(help: "Of a process, such as event-store or orders, or of who operates.")
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
            abstract: "Let nobody in with a key any more.")
        @OptionGroup var options: Options
        @Argument(help: "Whose key.") var name: String

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

/// What is said of what a key may do.
struct GivenPermissions: ParsableArguments {
    @Option(help: "A category of streams that it may append to, or '*'; may be repeated.")
    var append: [String] = []

    @Option(help: "A category of events that it may read, in place of all; may be repeated.")
    var read: [String] = []

    @Option(help: "A service that it may send commands to, or '*'; may be repeated.")
    var command: [String] = []

    @Flag(inversion: .prefixedNo, help: "Whether it may change rules, queues and their like.")
    var admin: Bool?

    /// Nil if nothing is said.
    var permissions: Permissions? {
        guard admin != nil || !(append + read + command).isEmpty else { return nil }
        return Permissions(
            append: append, read: read.isEmpty ? [Permissions.any] : read, commands: command,
            administers: admin ?? false)
    }

    func validate() throws {
        for name in append + read + command where name != Permissions.any {
            guard (try? StreamName(category: name, id: "1")) != nil else {
                throw ValidationError("'\(name)' is neither a category or service nor '*'")
            }
        }
    }
}

/// What a key may be named: it becomes the name of a file, and stands in the log.
private enum NameCheck {
    static func check(_ name: String) throws {
        let allowed = name.utf8.allSatisfy { byte in
            byte.isLetterOrDigit
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard allowed, name.first?.isLetter == true, name.utf8.count <= 64 else {
            throw ValidationError(
                "'\(name)' can't name a key: a letter, then letters, digits, '-', '_' and '.'")
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
