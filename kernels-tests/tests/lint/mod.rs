//! Lint over naga's intermediate representation: what a pinned shader must not contain.
//!
//! - functions whose rounding WGSL leaves open, float division and float remainder;
//! - a product that feeds an addition or subtraction without `pin`: hardware may fuse the two, and a compiler may take
//!   out a common factor;
//! - a sum that feeds the subtraction of one of its own terms, which compilers cancel, without `pin`;
//! - two literals in one product or one sum, which compilers fold.
//!
//! Values are followed through `let`, `var`, vectors, structs, arguments and results of functions. A call of `pin` ends
//! the trail, as do selections and comparisons, whose results are no longer products.

use std::collections::HashSet;

use naga::{
    BinaryOperator, Block, Expression, Function, Handle, LocalVariable, MathFunction, Module, ScalarKind, Statement,
    UnaryOperator,
    valid::{FunctionInfo, ModuleInfo},
};

/// Functions of floats that are exact everywhere.
const EXACT: [MathFunction; 9] = [
    MathFunction::Abs,
    MathFunction::Min,
    MathFunction::Max,
    MathFunction::Clamp,
    MathFunction::Floor,
    MathFunction::Ceil,
    MathFunction::Trunc,
    MathFunction::Round,
    MathFunction::Sign,
];

/// What is wrong with a shader, in words; `exempt` names functions that may do anything.
pub(crate) fn lint(module: &Module, info: &ModuleInfo, exempt: &[&str]) -> Vec<String> {
    let mut lint = Lint { module, info, raw_results: HashSet::new(), raw_arguments: HashSet::new() };
    // Facts about functions feed each other; they only ever grow, so this ends.
    loop {
        let before = lint.raw_results.len() + lint.raw_arguments.len();
        for scope in lint.scopes() {
            lint.learn(&scope);
        }
        if lint.raw_results.len() + lint.raw_arguments.len() == before {
            break;
        }
    }
    let scopes = lint.scopes();
    let checked = scopes.iter().filter(|s| s.name != "pin" && !exempt.contains(&s.name));
    checked.flat_map(|s| lint.violations(s)).collect()
}

struct Lint<'m> {
    module: &'m Module,
    info: &'m ModuleInfo,
    /// Functions that return a product.
    raw_results: HashSet<Handle<Function>>,
    /// Arguments that some caller gives a product.
    raw_arguments: HashSet<(Handle<Function>, u32)>,
}

/// One function with what is known about its expressions.
struct Scope<'m> {
    name: &'m str,
    handle: Option<Handle<Function>>,
    function: &'m Function,
    info: &'m FunctionInfo,
    stores: Vec<(Handle<Expression>, Handle<Expression>)>,
    calls: Vec<Call<'m>>,
    returned: Vec<Handle<Expression>>,
}

struct Call<'m> {
    callee: Handle<Function>,
    arguments: &'m [Handle<Expression>],
}

impl<'m> Lint<'m> {
    fn scopes(&self) -> Vec<Scope<'m>> {
        let functions = self.module.functions.iter().map(|(h, f)| (Some(h), f, &self.info[h]));
        let entries = self.module.entry_points.iter().enumerate();
        let entries = entries.map(|(i, e)| (None, &e.function, self.info.get_entry_point(i)));
        functions
            .chain(entries)
            .map(|(handle, function, info)| {
                let name = function.name.as_deref().unwrap_or("main");
                let mut scope = Scope { name, handle, function, info, stores: vec![], calls: vec![], returned: vec![] };
                scope.walk(&function.body);
                scope
            })
            .collect()
    }

    fn learn(&mut self, scope: &Scope<'m>) {
        for call in &scope.calls {
            for (index, &argument) in call.arguments.iter().enumerate() {
                if self.is_product(scope, argument) {
                    self.raw_arguments.insert((call.callee, index as u32));
                }
            }
        }
        if let Some(handle) = scope.handle
            && scope.name != "pin"
            && scope.returned.iter().any(|&value| self.is_product(scope, value))
        {
            self.raw_results.insert(handle);
        }
    }

    fn is_float(&self, scope: &Scope<'m>, expression: Handle<Expression>) -> bool {
        let inner = scope.info[expression].ty.inner_with(&self.module.types);
        inner.scalar_kind() == Some(ScalarKind::Float)
    }

    /// Whether a float is, or may be a part of, the unpinned product of two others.
    fn is_product(&self, scope: &Scope<'m>, expression: Handle<Expression>) -> bool {
        self.follows(scope, expression, None, &mut HashSet::new())
    }

    /// `part` is the member of a struct or vector that is asked for, if one is.
    fn follows(
        &self,
        scope: &Scope<'m>,
        expression: Handle<Expression>,
        part: Option<u32>,
        seen: &mut HashSet<Handle<LocalVariable>>,
    ) -> bool {
        match &scope.function.expressions[expression] {
            Expression::Binary { op: BinaryOperator::Multiply, .. } => self.is_float(scope, expression),
            Expression::Unary { op: UnaryOperator::Negate, expr } => self.follows(scope, *expr, part, seen),
            Expression::Compose { components, .. } => match part.and_then(|p| components.get(p as usize)) {
                Some(component) => self.follows(scope, *component, None, seen),
                None => components.iter().any(|&c| self.follows(scope, c, None, seen)),
            },
            Expression::Splat { value, .. } => self.follows(scope, *value, None, seen),
            Expression::Swizzle { vector, .. } => self.follows(scope, *vector, None, seen),
            Expression::AccessIndex { base, index } => self.follows(scope, *base, Some(*index), seen),
            Expression::Load { pointer } => match scope.local(*pointer) {
                Some((local, member)) if seen.insert(local) => {
                    let found = scope.stores_to(local).any(|(stored, value)| match (stored, member.or(part)) {
                        (Some(s), Some(m)) if s != m => false,
                        (None, m) => self.follows(scope, value, m, seen),
                        _ => self.follows(scope, value, None, seen),
                    });
                    seen.remove(&local);
                    found
                }
                _ => false,
            },
            Expression::FunctionArgument(index) => {
                scope.handle.is_some_and(|h| self.raw_arguments.contains(&(h, *index)))
            }
            Expression::CallResult(function) => self.raw_results.contains(function),
            _ => false,
        }
    }

    /// The literal that a value is, through names of constants.
    fn is_literal(&self, scope: &Scope<'m>, expression: Handle<Expression>) -> bool {
        matches!(scope.function.expressions[expression], Expression::Literal(_) | Expression::Constant(_))
            && self.is_float(scope, expression)
    }

    fn violations(&self, scope: &Scope<'m>) -> Vec<String> {
        use BinaryOperator::{Add, Divide, Modulo, Multiply, Subtract};
        let mut found = Vec::new();
        for (handle, expression) in scope.function.expressions.iter() {
            let what = match expression {
                Expression::Math { fun, arg, .. } if self.is_float(scope, *arg) && !EXACT.contains(fun) => {
                    format!("{fun:?} is not exact").to_lowercase()
                }
                Expression::Derivative { .. } | Expression::ImageSample { .. } => "not exact".to_owned(),
                Expression::Binary { op: Divide | Modulo, .. } if self.is_float(scope, handle) => {
                    "division is not exact".to_owned()
                }
                Expression::Binary { op: op @ (Add | Subtract), left, right } if self.is_float(scope, handle) => {
                    if self.is_product(scope, *left) || self.is_product(scope, *right) {
                        "an unpinned product feeds a sum".to_owned()
                    } else if scope.has_own_term(*op, *left, *right) {
                        "an unpinned sum meets its own term".to_owned()
                    } else if self.folds(scope, &[Add, Subtract], *left, *right) {
                        "two literals in one sum".to_owned()
                    } else {
                        continue;
                    }
                }
                Expression::Binary { op: Multiply, left, right } if self.is_float(scope, handle) => {
                    if self.folds(scope, &[Multiply], *left, *right) {
                        "two literals in one product".to_owned()
                    } else {
                        continue;
                    }
                }
                _ => continue,
            };
            found.push(format!("{}, expression {}: {what}", scope.name, handle.index()));
        }
        found
    }

    /// Whether one side is a literal and the other one of `operators` with a literal.
    fn folds(
        &self,
        scope: &Scope<'m>,
        operators: &[BinaryOperator],
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> bool {
        let has_literal = |e: Handle<Expression>| match scope.function.expressions[e] {
            Expression::Binary { op, left, right } if operators.contains(&op) => {
                self.is_literal(scope, left) || self.is_literal(scope, right)
            }
            _ => false,
        };
        (self.is_literal(scope, left) && has_literal(right)) || (self.is_literal(scope, right) && has_literal(left))
    }
}

impl<'m> Scope<'m> {
    fn walk(&mut self, block: &'m Block) {
        for statement in block.iter() {
            match statement {
                Statement::Block(block) => self.walk(block),
                Statement::If { accept, reject, .. } => [accept, reject].into_iter().for_each(|b| self.walk(b)),
                Statement::Switch { cases, .. } => cases.iter().for_each(|c| self.walk(&c.body)),
                Statement::Loop { body, continuing, .. } => {
                    [body, continuing].into_iter().for_each(|b| self.walk(b));
                }
                Statement::Store { pointer, value } => self.stores.push((*pointer, *value)),
                Statement::Call { function, arguments, .. } => {
                    self.calls.push(Call { callee: *function, arguments });
                }
                Statement::Return { value: Some(value) } => self.returned.push(*value),
                _ => {}
            }
        }
    }

    /// The local variable behind a pointer, and which member of it.
    fn local(&self, pointer: Handle<Expression>) -> Option<(Handle<LocalVariable>, Option<u32>)> {
        match self.function.expressions[pointer] {
            Expression::LocalVariable(local) => Some((local, None)),
            Expression::AccessIndex { base, index } => self.local(base).map(|(local, _)| (local, Some(index))),
            Expression::Access { base, .. } => self.local(base).map(|(local, _)| (local, None)),
            _ => None,
        }
    }

    /// Values that are stored in a local variable, with the member each goes to; its first value included.
    fn stores_to(&self, wanted: Handle<LocalVariable>) -> impl Iterator<Item = (Option<u32>, Handle<Expression>)> {
        let stored = self.stores.iter().filter_map(move |&(pointer, value)| {
            let (local, member) = self.local(pointer)?;
            (local == wanted).then_some((member, value))
        });
        stored.chain(self.function.local_variables[wanted].init.map(|value| (None, value)))
    }

    /// Whether one side is a sum that contains the other: `(a + b) − a` and its like.
    fn has_own_term(&self, op: BinaryOperator, left: Handle<Expression>, right: Handle<Expression>) -> bool {
        use BinaryOperator::{Add, Subtract};
        let terms = |e: Handle<Expression>| match self.function.expressions[e] {
            Expression::Binary { op: inner @ (Add | Subtract), left, right } => Some((inner, left, right)),
            _ => None,
        };
        let meets = |sum: Handle<Expression>, term: Handle<Expression>| {
            terms(sum).is_some_and(|(inner, a, b)| {
                let is_cancelled = op == Subtract || inner == Subtract;
                is_cancelled && (self.same(a, term) || self.same(b, term))
            })
        };
        meets(left, right) || meets(right, left)
    }

    /// Whether two expressions are the same value: one expression, or loads of one variable.
    fn same(&self, a: Handle<Expression>, b: Handle<Expression>) -> bool {
        use Expression::{AccessIndex, Load, LocalVariable};
        match (&self.function.expressions[a], &self.function.expressions[b]) {
            _ if a == b => true,
            (Load { pointer: a }, Load { pointer: b }) => self.same(*a, *b),
            (LocalVariable(a), LocalVariable(b)) => a == b,
            (AccessIndex { base: a, index: i }, AccessIndex { base: b, index: j }) => i == j && self.same(*a, *b),
            _ => false,
        }
    }
}
