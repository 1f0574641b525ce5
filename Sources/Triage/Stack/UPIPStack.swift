package import Fabric
package import SystemPackage

/// A UPIP stack as far as forks need it: its layers, their hashes, and the chain of forks (`triage.md`, section 3).
///
/// Every key is kept as it was read, so that what is written again differs in nothing but what was added.
package struct UPIPStack: Sendable {
    /// The file's object.
    package private(set) var fields: JSONObject

    /// The largest stack that is read. It holds the source files as text.
    package static let largestFile = 256 << 20

    /// The layers that a fork takes along, in order.
    static let layerNames = ["L1_state", "L2_deps", "L3_process", "L4_result"]

    /// Reads a stack from the text of a file.
    package init(parsing bytes: [UInt8]) throws(ForkFault) {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch { throw .notJSON("\(error)") }
        guard let object = value.object else { throw .notStack("it is not an object") }
        guard object["layers"]?.object != nil else { throw .notStack("it has no 'layers'") }
        if let chain = object["fork_chain"], chain.list == nil { throw .notStack("'fork_chain' is not a list") }
        for name in Self.layerNames {
            guard let layer = object["layers"]?[name], !layer.isNull else { continue }
            guard layer.object != nil else { throw .notStack("'\(name)' is not an object") }
        }
        fields = object
    }

    /// Reads the stack in the file at `path`. Blocks.
    package init(file path: FilePath) throws(ForkFileError) {
        let bytes = try ForkFileError.read(path, atMost: Self.largestFile)
        do throws(ForkFault) { try self.init(parsing: bytes) } catch { throw .content(path.string, error) }
    }

    /// Who made it.
    package var createdBy: String { fields["created_by"]?.text ?? "" }
    /// What its process is for.
    package var intent: String { layer("L3_process")?["intent"]?.text ?? "" }
    /// The hash that it says it has.
    package var statedHash: String { fields["stack_hash"]?.text ?? "" }
    /// The forks that were made of it, as they were written.
    package var forks: [JSONValue] { fields["fork_chain"]?.list ?? [] }

    /// A layer; nil where it has none.
    package func layer(_ name: String) -> JSONObject? { fields["layers"]?[name]?.object }

    /// The layers that it has, whole.
    package var layers: JSONObject {
        var layers = JSONObject()
        for name in Self.layerNames {
            if let layer = layer(name) { layers[name] = .object(layer) }
        }
        return layers
    }

    private func hash(of name: String, in key: String) -> JSONValue { layer(name)?[key] ?? "" }

    private var process: JSONValue { layer("L3_process").map(JSONValue.object) ?? [:] }

    /// The hash over the hashes of its layers, computed.
    package var hash: String {
        let input: JSONValue = [
            "state": hash(of: "L1_state", in: "state_hash"), "deps": hash(of: "L2_deps", in: "deps_hash"),
            "process": process, "result": hash(of: "L4_result", in: "result_hash"),
        ]
        return "upip:" + Digest(of: input.text(.sortedPython).utf8).hex
    }

    /// The hash of the state of mind that a fork takes along where there is no file with it (`triage.md`, section 2).
    package var memoryHash: String {
        let input: JSONValue = [
            "L1": hash(of: "L1_state", in: "state_hash"), "L2": hash(of: "L2_deps", in: "deps_hash"), "L3": process,
            "L4": hash(of: "L4_result", in: "result_hash"),
        ]
        return "sha256:" + Digest(of: input.text(.sortedPython).utf8).hex
    }

    /// Checks the hashes that can be computed from what is in the file: of state, packages, and the whole.
    package func check() throws(ForkFault) {
        if let state = layer("L1_state") {
            try require(state["state_hash"]?.text ?? "", Self.stateHash(of: state), "L1 state hash")
        }
        if let deps = layer("L2_deps") {
            try require(deps["deps_hash"]?.text ?? "", Self.packagesHash(of: deps), "L2 deps hash")
        }
        try require(statedHash, hash, "stack hash")
    }

    private func require(_ stated: String, _ computed: String, _ what: String) throws(ForkFault) {
        guard stated == computed else { throw .stackMismatch(what: what, stated: stated, computed: computed) }
    }

    /// The hash of a state by its kind.
    static func stateHash(of state: JSONObject) -> String {
        let text = { (key: String) in state[key]?.text ?? "" }
        switch text("state_type") {
        case "git" where !text("git_commit").isEmpty && state["git_dirty"]?.bool != true:
            return "git:" + text("git_commit")
        case "image" where !text("image_digest").isEmpty: return "image:" + text("image_digest")
        case "empty": return "empty:0"
        default:
            let files = state["file_manifest"]?.object?.members ?? []
            let pairs = files.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
                .map { JSONValue.list([.text($0.key), $0.value]) }
            return "files:" + Digest(of: JSONValue.list(pairs).text(.sortedPython).utf8).hex
        }
    }

    /// The hash of the packages, in the order in which they were found.
    static func packagesHash(of deps: JSONObject) -> String {
        let pairs = (deps["packages"]?.list ?? []).map { JSONValue.list([$0["name"] ?? "", $0["version"] ?? ""]) }
        return "deps:" + Digest(of: JSONValue.list(pairs).text(.sortedPython).utf8).hex
    }

    /// Adds a fork to the chain. Everything else stays as it was, the peers' `_replay` included.
    package mutating func append(_ token: ForkToken) {
        fields["fork_chain"] = .list(forks + [.object(token.fields)])
    }

    /// The text of the file, as the peers would write it.
    package var fileText: String { JSONValue.object(fields).text(.indentedPython) }
}
