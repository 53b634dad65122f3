import Foundation

/// A target as Package.swift declares it.
struct PackageTarget {
    let name: String
    let path: String
    /// Modules of this package and products of others. A product has the name of its module.
    let dependencies: Set<String>

    /// Returns all targets, as the package tool describes them.
    static func all() throws -> [PackageTarget] { try loaded.get() }

    private static let loaded = Result { try load() }

    private static func load() throws -> [PackageTarget] {
        let tool = Process()
        tool.executableURL = URL(filePath: "/usr/bin/env")
        // The process that runs the tests has the lock of the build folder.
        tool.arguments = [
            "swift", "package", "--ignore-lock", "--package-path", SourceTree.root.path,
            "dump-package",
        ]
        let output = Pipe()
        tool.standardOutput = output
        tool.standardError = FileHandle.nullDevice
        try tool.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        tool.waitUntilExit()
        return try JSONDecoder().decode(Dump.self, from: data).targets.map { target in
            PackageTarget(
                name: target.name, path: target.path ?? "Sources/\(target.name)",
                dependencies: Set(target.dependencies.map(\.name)))
        }
    }

    private struct Dump: Decodable {
        struct Target: Decodable {
            let name: String
            let path: String?
            let dependencies: [Dependency]
        }
        /// An object whose only value is a list that begins with the name.
        struct Dependency: Decodable {
            let name: String

            init(from decoder: any Decoder) throws {
                let lists = try decoder.singleValueContainer().decode([String: Parts].self)
                guard let name = lists.values.first?.name else {
                    throw DecodingError.dataCorrupted(
                        .init(codingPath: decoder.codingPath, debugDescription: "no name"))
                }
                self.name = name
            }
        }
        struct Parts: Decodable {
            let name: String

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                name = try list.decode(String.self)
            }
        }
        let targets: [Target]
    }
}
