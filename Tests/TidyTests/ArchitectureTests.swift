import Foundation
import TestSupport
import Testing

@Suite(.mayBlock) struct Architecture {
    private let sources = SourceTree.swift.filter { !isTest($0.path) }

    private static func isTest(_ path: String) -> Bool {
        path.hasPrefix("Tests/") || path.hasPrefix("examples/new-service/Tests/")
    }

    @Test func `Architecture tests find all sources, and no file is empty`() {
        #expect(sources.count > 100)
        #expect(SourceTree.swift.allSatisfy { !$0.text.isEmpty })
    }

    @Test func `Imports point down and are declared in Package.swift`() throws {
        let targets = try PackageTarget.all()
        #expect(targets.count > 40)
        let paths = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0.path) })
        for file in sources {
            guard let target = targets.first(where: { file.path.hasPrefix($0.path + "/") }) else {
                Issue.record("\(file.path) is in no target of Package.swift")
                continue
            }
            guard let layer = Layer.of(target.path) else {
                Issue.record("\(target.path) is in no layer")
                continue
            }
            for (module, line) in file.imports {
                if let path = paths[module] {
                    guard !target.dependencies.contains(module) else { continue }
                    Issue.record(
                        "\(Finding(file, line, "\(target.name) imports \(path) undeclared"))")
                } else if !layer.others.contains(module) {
                    Issue.record(
                        "\(Finding(file, line, "\(layer.folder) may not import \(module)"))")
                }
            }
        }
        for target in targets {
            guard let layer = Layer.of(target.path) else { continue }
            for module in target.dependencies.sorted() {
                guard let path = paths[module], !layer.allows(path, from: target.path) else {
                    continue
                }
                Issue.record("Package.swift: \(target.name) may not depend on \(module)")
            }
        }
    }

    @Test func `SQLite and the argument parser are used only in the files for them`() {
        for file in sources {
            for (module, line) in file.imports {
                guard let rule = Restriction.all.first(where: { $0.module == module }),
                    !rule.allows(file.path)
                else { continue }
                Issue.record("\(Finding(file, line, "this file may not import \(module)"))")
            }
        }
    }

    /// A domain gets times and random values as parts of its commands.
    @Test func `Domains use no clock, randomness, task or system call`() {
        let impure =
            #/
            \b(Date|UUID|FileManager|ProcessInfo|Process|DispatchQueue|Thread|Task|URLSession
            |ContinuousClock|SuspendingClock|print|getenv|readLine|async|await|actor)\b
            | \.now\b | \.random | \.shuffle | RandomNumberGenerator
            /#
        for file in sources where file.path.contains("/Domain/") {
            for (index, line) in file.code.enumerated() where line.contains(impure) {
                Issue.record(
                    "\(Finding(file, index + 1, "a domain has no clock, randomness or task"))")
            }
        }
    }

    /// Files that may have unsafe code, with the reason.
    private static let unsafeFiles = [
        "Services/EventStore/Archive/Zlib.swift": "zlib",
        "Services/EventStore/Log/Chain/ChainFold.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/Chain/ChainHash.swift": "SHA-256 takes its bytes by a pointer",
        "Services/EventStore/Log/EventLog+lookup.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/EventLog.swift": "records lie in the bytes of a segment",
        "Services/EventStore/Log/RecordValidation.swift": "text in the bytes of a record",
        "Services/EventStore/Log/Segments/SegmentScan.swift": "the C library compares bytes",
        "Shared/CallServer/ThreadClock.swift": "system calls",
        "Shared/Bytes/CRC32C.swift": "eight bytes at a time",
        "Shared/Bytes/Integers.swift": "bytes of an integer",
        "Shared/EventSourcing/Names/EventID.swift": "text from bytes without a copy",
        "Shared/EventSourcing/Record/RecordLayout.swift": "integers from bytes",
        "Shared/Files/File.swift": "system calls",
        "Shared/Files/Folder.swift": "system calls",
        "Shared/Files/SystemError.swift": "the system's text for an error",
        "Shared/Keys/KeyringFile.swift": "system calls",
        "Shared/ZeroMQ/Connection.swift": "system calls",
        "Shared/ZeroMQ/ConnectionTable.swift": "system calls",
        "Shared/ZeroMQ/Context.swift": "libzmq",
        "Shared/ZeroMQ/CurveKey.swift": "libzmq",
        "Shared/ZeroMQ/Descriptors.swift": "system calls; libzmq",
        "Shared/ZeroMQ/HandshakeGuard.swift": "libzmq; @unchecked: its thread has its sockets",
        "Shared/ZeroMQ/HandshakeWatch.swift": "libzmq",
        "Shared/ZeroMQ/Frame.swift": "libzmq; @unchecked: a frame owns its bytes alone",
        "Shared/ZeroMQ/PeerInputs.swift": "system calls; libzmq",
        "Shared/ZeroMQ/LoopThread.swift": "libzmq; its waits are its own",
        "Shared/ZeroMQ/Socket.swift": "libzmq",
        "Shared/ZeroMQ/SocketAttachments.swift": "libzmq",
        "Shared/ZeroMQ/SocketLoop.swift": "an executor's reference to itself",
        "Shared/ZeroMQ/Streams/StreamConnection.swift": "system calls",
        "Shared/ZeroMQ/Streams/StreamListener.swift": "system calls",
        "Shared/ZeroMQ/ZeroMQError.swift": "libzmq",
    ]

    @Test func `Unsafe code is only in files that are listed with a reason`() {
        let escape = #/@unchecked Sendable|nonisolated\(unsafe\)|\bunsafe\b/#
        for file in sources where Self.unsafeFiles[file.path] == nil {
            for (index, line) in file.code.enumerated()
            where line.replacing("unsafe loop.asUnownedSerialExecutor()", with: "").contains(escape)
            {
                Issue.record("\(Finding(file, index + 1, "unsafe code outside the list"))")
            }
        }
        for path in Self.unsafeFiles.keys where !SourceTree.exists(path) {
            Issue.record("\(path) is listed as unsafe, but does not exist")
        }
    }
}
