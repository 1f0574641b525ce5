internal import Fabric
internal import Glibc
internal import HTTPClient

/// Whether the libraries that do the work are there, and which.
enum LibraryChecks {
    static func all() -> [Check] {
        [
            library("libsodium", "libsodium.so.23", asking: "sodium_version_string", package: "libsodium23"),
            library("zstd", "libzstd.so.1", asking: "ZSTD_versionString", package: "libzstd1"),
            library("libarchive", "libarchive.so.13", asking: "archive_version_string", package: "libarchive13"),
            curl(), ssh(), digest(),
        ]
    }

    private static func library(_ name: String, _ file: String, asking function: String, package: String) -> Check {
        guard let version = version(file, function) else {
            return .failed(name, MissingLibrary(file: file, package: package))
        }
        return .fine(name, version)
    }

    private static func curl() -> Check {
        guard let problem = CurlClient.loadingProblem else {
            return .fine("libcurl", version("libcurl.so.4", "curl_version") ?? "loaded")
        }
        return .failed("libcurl", MissingLibrary(file: "libcurl.so.4 (\(problem))", package: "libcurl4"))
    }

    /// Only deliveries over ssh need it.
    private static func ssh() -> Check {
        typealias Version = @convention(c) (Int32) -> UnsafePointer<CChar>?
        guard let function = function("libssh2.so.1", "libssh2_version"),
            let version = unsafeBitCast(function, to: Version.self)(0)
        else {
            return .warning(
                "libssh2", "it cannot be loaded, so nothing can be delivered over ssh", remedy: "install libssh2-1")
        }
        return .fine("libssh2", String(cString: version))
    }

    /// The digest that everything rests on, of the three letters that FIPS 180-4 uses as its example.
    private static func digest() -> Check {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        guard Digest(of: Array("abc".utf8)).hex == expected else { return .failed("sha256", WrongDigest()) }
        return .fine("sha256", "gives the digest of the standard's example")
    }

    private static func version(_ file: String, _ name: String) -> String? {
        typealias Version = @convention(c) () -> UnsafePointer<CChar>?
        guard let function = function(file, name) else { return nil }
        return unsafeBitCast(function, to: Version.self)().map { String(cString: $0) }
    }

    /// The function's address, for as long as this process runs: what was loaded once is not let go.
    private static func function(_ file: String, _ name: String) -> UnsafeMutableRawPointer? {
        guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else { return nil }
        return dlsym(library, name)
    }
}

/// A library that is not there.
private struct MissingLibrary: ExplainedError {
    let file: String
    let package: String

    var category: FailureCategory { .unavailable }
    var explanation: String { "cannot load \(file)" }
    var remedy: String? { "install \(package)" }
}

/// A computation that went wrong.
private struct WrongDigest: ExplainedError {
    var category: FailureCategory { .software }
    var explanation: String { "the digest of the standard's example is wrong" }
    var remedy: String? { "do not use this machine or this program; report it" }
}
