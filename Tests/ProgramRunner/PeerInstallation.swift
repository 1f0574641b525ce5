public import Foundation

/// The reference peers, installed from the public package index once for all tests.
public enum PeerInstallation {
    /// The set that the specifications follow.
    public static let packages = [
        "tibet-drop==0.3.4", "tibet-continuityd==0.6.11", "tibet-mux[server]==1.0.1", "tibet-triage==0.4.2",
    ]

    /// The folder that holds the peers' programs. A failed installation fails whoever asks.
    public static func programs() async throws -> URL { try await once.value }

    private static let once = Task { try await install() }

    /// Where they are kept from one run of the tests to the next: `TCD_PEERS`, else below the package's `.build`.
    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["TCD_PEERS"], !path.isEmpty {
            return URL(fileURLWithPath: path)
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build/peers-a")
    }

    private static func install() async throws -> URL {
        let folder = folder
        try FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        let script = """
            set -e
            test "$(cat "$1/packages" 2>/dev/null)" = "$2" && exit 0
            python3 -m venv --clear "$1"
            "$1/bin/pip" install --quiet --disable-pip-version-check --retries 5 $2
            printf %s "$2" > "$1/packages"
            """
        // Another run of the tests may be installing too; whoever comes second finds all done.
        let outcome = try await Program(
            "/usr/bin/env",
            [
                "flock", "--timeout", "240", folder.path + ".lock", "sh", "-c", script, "sh", folder.path,
                packages.joined(separator: " "),
            ], in: folder.deletingLastPathComponent(), environment: ProcessInfo.processInfo.environment
        ).outcome(within: .seconds(300))
        guard outcome.status == 0 else {
            throw Program.Overdue(description: "the peers cannot be installed: \(outcome)")
        }
        return folder.appendingPathComponent("bin")
    }
}
