public import Foundation

/// The reference peers, installed from the public package index once for all tests.
public struct PeerInstallation: Sendable {
    /// The set that the specifications follow.
    public static let followed = PeerInstallation(
        folder: folder, exact: [],
        packages: [
            "tibet-drop==0.3.4", "tibet-continuityd==0.6.11", "tibet-mux[server]==1.0.1", "tibet-triage==0.4.2",
        ])

    /// The newer clients of mailboxes and names. They declare a package that has no usable build and that nothing here
    /// needs, so they come without what they declare, and what they need comes by name.
    public static let newer = PeerInstallation(
        folder: folder.deletingLastPathComponent().appendingPathComponent(folder.lastPathComponent + "-newer"),
        exact: ["tibet-triage==0.5.2", "ainternet==0.9.2", "ipoll==0.2.6", "tibet-core==0.5.0"],
        packages: ["requests", "cryptography", "pydantic", "rich"])

    private let folder: URL
    private let exact: [String]
    private let packages: [String]
    private let once: Task<URL, any Error>

    private init(folder: URL, exact: [String], packages: [String]) {
        (self.folder, self.exact, self.packages) = (folder, exact, packages)
        once = Task { try await Self.install(into: folder, exact, packages) }
    }

    /// The folder that holds the peers' programs. A failed installation fails whoever asks.
    public func programs() async throws -> URL { try await once.value }

    /// The folder that holds the programs of the set that the specifications follow.
    public static func programs() async throws -> URL { try await followed.programs() }

    /// Where they are kept from one run of the tests to the next: `TCD_PEERS`, else below the package's `.build`.
    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["TCD_PEERS"], !path.isEmpty {
            return URL(fileURLWithPath: path)
        }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build/peers-a")
    }

    private static func install(into folder: URL, _ exact: [String], _ packages: [String]) async throws -> URL {
        try FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        let script = """
            set -e
            test "$(cat "$1/packages" 2>/dev/null)" = "$3$2" && exit 0
            python3 -m venv --clear "$1"
            options="--quiet --disable-pip-version-check --retries 5"
            test -z "$3" || "$1/bin/pip" install $options --no-deps $3
            "$1/bin/pip" install $options $2
            printf %s "$3$2" > "$1/packages"
            """
        // Another run of the tests may be installing too; whoever comes second finds all done.
        let outcome = try await Program(
            "/usr/bin/env",
            [
                "flock", "--timeout", "240", folder.path + ".lock", "sh", "-c", script, "sh", folder.path,
                packages.joined(separator: " "), exact.joined(separator: " "),
            ], in: folder.deletingLastPathComponent(), environment: ProcessInfo.processInfo.environment
        ).outcome(within: .seconds(300))
        guard outcome.status == 0 else {
            throw Program.Overdue(description: "the peers cannot be installed: \(outcome)")
        }
        return folder.appendingPathComponent("bin")
    }
}
