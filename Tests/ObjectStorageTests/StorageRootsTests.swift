import Foundation
import ObjectStorage
import Testing

@Suite final class `Storage roots` {
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
    private let roots: StorageRoots

    init() throws {
        for name in ["root/below", "other"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        for (link, target) in [
            ("root/out", "\(folder)/other"), ("root/nothing", "\(folder)/missing"),
            ("root/in", "below"), ("root/below/a", "\(folder)/other"), ("alias", "root"),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(link)", withDestinationPath: target)
        }
        roots = try StorageRoots(["\(folder)/root", "s3://bucket/some"])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func accepts(_ place: String, _ key: String = "k", in roots: StorageRoots? = nil) throws
        -> Bool
    {
        do throws(ObjectStorageError) {
            try (roots ?? self.roots).check(try StoragePlace(place), key)
            return true
        } catch {
            #expect("\(error)".contains("(\(roots ?? self.roots))"))
            return false
        }
    }

    @Test func `Place below a root is accepted, whether it exists or not`() throws {
        for place in ["", "/below", "/in", "/new/deep", "/./below", "/below/../new"] {
            // The last one leads through a folder that exists.
            #expect(try accepts("\(folder)/root\(place)"), "\(place)")
        }
        #expect(try accepts("\(folder)/alias/below"))
        for place in ["s3://bucket/some", "s3://bucket/some/more"] {
            #expect(try accepts(place), "\(place)")
        }
    }

    @Test func `Place outside the roots is rejected, also through a link`() throws {
        for place in [
            "\(folder)", "\(folder)/other", "\(folder)/rootless", "\(folder)/root/out",
            "\(folder)/root/out/deep", "\(folder)/root/nothing", "\(folder)/root/../other",
            "\(folder)/root/new/../../other", "/", "s3://bucket", "s3://bucket/somewhere",
            "s3://other/some",
        ] {
            #expect(try !accepts(place), "\(place)")
        }
        // The place is below a root, but the archive's own folder is a link.
        #expect(try !accepts("\(folder)/root/below", "a"))
        #expect(try accepts("\(folder)/root/below", "b"))
    }

    @Test func `Bucket may only be at the process's own endpoint or at one that is a root`() throws
    {
        let listed = try StorageRoots(["s3://bucket", "http://listed:9000/", folder])
        #expect("\(listed)" == "s3://bucket, \(folder), http://listed:9000")
        func accepts(_ endpoint: String?, own: String? = nil, _ place: String) throws -> Bool {
            do throws(ObjectStorageError) {
                try listed.check(
                    try StoragePlace(place), "k", endpoint: endpoint,
                    environment: ["AWS_ENDPOINT_URL": own ?? ""])
                return true
            } catch {
                #expect("\(error)".contains("(\(listed))"), "\(error)")
                return false
            }
        }
        for endpoint in [nil, "http://listed:9000", "http://listed:9000/"] {
            #expect(try accepts(endpoint, "s3://bucket"), "\(endpoint ?? "")")
        }
        for endpoint in ["http://listed", "https://listed:9000", "http://other:9000"] {
            #expect(try !accepts(endpoint, "s3://bucket"), "\(endpoint)")
        }
        #expect(try accepts("https://own/", own: "https://own", "s3://bucket"))
        #expect(try !accepts("http://listed:9000", "s3://other"))
        // A folder has no endpoint.
        #expect(try accepts("http://other:9000", folder))
        #expect(throws: ObjectStorageError.self) { try StorageRoots(["http://a/path"]) }
    }

    @Test func `Roots may be everything below a folder, in a bucket, or nothing`() throws {
        #expect(try accepts("/anywhere/at/all", in: StorageRoots(["/"])))
        #expect(try accepts("s3://bucket/x", in: StorageRoots(["s3://bucket"])))
        #expect(try !accepts(folder, in: .nowhere))
        #expect(throws: ObjectStorageError.self) { try StorageRoots(["relative"]) }
        #expect(throws: ObjectStorageError.self) { try StorageRoots(["gs://b"]) }
    }
}
