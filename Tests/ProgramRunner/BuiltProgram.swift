public import Foundation
import Glibc

/// The programs that were built together with the tests: `tcd`, and those that only tests need.
public enum BuiltProgram {
    /// There is none.
    public struct Missing: Error, CustomStringConvertible {
        public let description: String
    }

    /// Where one is: beside the program that runs the tests.
    public static func path(of name: String = "tcd") throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
        guard access(path, X_OK) == 0 else {
            throw Missing(description: "there is no program at '\(path)'; build the package before its tests run")
        }
        return path
    }

    /// Starts `tcd` in `folder` with an identity and a state of its own there.
    public static func start(
        _ arguments: [String], in folder: URL, environment: [String: String] = [:], input: URL? = nil
    ) throws -> Program {
        let own = [
            "HOME": folder.path, "TMPDIR": folder.path,
            "TIBET_IDENTITY": folder.appendingPathComponent("identity").path,
            "TIBET_STATE": folder.appendingPathComponent("state").path,
        ]
        return try Program(
            try path(), arguments, in: folder, environment: own.merging(environment) { $1 }, input: input)
    }

    /// Runs it to its end.
    public static func run(
        _ arguments: String..., in folder: URL, environment: [String: String] = [:], input: URL? = nil,
        within limit: Duration = .seconds(60)
    ) async throws -> Program.Outcome {
        try await start(arguments, in: folder, environment: environment, input: input).outcome(within: limit)
    }
}
